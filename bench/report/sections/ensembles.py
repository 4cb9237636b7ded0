"""The ensembles' section: what each scores, what it adds to the best single run, what it costs, who is in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pandas as pd

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape, table

_SHOWN = 8  # members of an ensemble, the heaviest


def ensembles(ranking: Ranking) -> str:
    """Both tables and the superseded, or nothing."""
    parts = [_scores(ranking), _members(ranking), _superseded(ranking)]
    return "\n\n".join(part for part in parts if part)


def members(text: str) -> list[tuple[str, float]]:
    """The run_ids and weights of a `members` cell; without weights all are equal.

    Example:
        >>> members("a*0.25;b*0.75")
        [('a', 0.25), ('b', 0.75)]
    """
    entries = [entry.partition("*") for entry in text.split(";") if entry]
    return [(run_id, float(weight) if weight else 1 / len(entries)) for run_id, _, weight in entries]


def test_score(row: pd.Series) -> str:
    """The test macro F1 with its interval, `.893 [.81, .95]`."""
    bounds = numbers.interval(row["test_macro_f1_low"], row["test_macro_f1_high"])
    return f"{numbers.score(row['test_macro_f1'])} {bounds}".strip()


def gain(row: pd.Series) -> str:
    """What the ensemble adds to the best single run, `+.017 [-.004, +.038]`."""
    low, high = row["gain_over_best_single_low"], row["gain_over_best_single_high"]
    bounds = "" if math.isnan(low) or math.isnan(high) else f" [{numbers.gain(low)}, {numbers.gain(high)}]"
    return numbers.gain(row["gain_over_best_single"]) + bounds


def _scores(ranking: Ranking) -> str:
    rows = _with_baseline(ranking)
    if ranking.ensembles.empty:
        return ""
    digits = numbers.interval_digits(rows["macro_f1_cross_fitted_low"], rows["macro_f1_cross_fitted_high"])
    columns = {
        "ensemble": list(rows["label"]),
        "cross-fitted F1": [_crossed(row, digits) for row in _each(rows)],
        "fit F1": [numbers.score(value) for value in rows["macro_f1"]],
        "over best single": [gain(row) for row in _each(rows)],
        **_ties(rows),
        "test F1": [test_score(row) for row in _each(rows)],
        "members": [str(len(members(text)) or 1) for text in rows["members"]],
        "candidates' train s": numbers.column(rows["train_seconds"]),
        "members' train s": numbers.column(rows["members_train_seconds"]),
        "ms/image": numbers.column(rows["inference_ms_per_image"]),
    }
    return table(list(columns), list(zip(*columns.values(), strict=True)), left=["ensemble"])


def _ties(rows: pd.DataFrame) -> dict[str, list[str]]:
    """A column that says which methods the noise does not separate from the first, where that was found out."""
    tied = rows["indistinguishable_from_best_ensemble"].astype(bool)
    if not tied.any():
        return {}
    lows = rows["gain_over_best_single_low"].iloc[0]
    single = numbers.MISSING if pd.isna(lows) else "within noise" if lows <= 0 else "below it"
    texts = ["within noise" if alike else "below it" for alike in tied]
    is_run = rows["kind"] == "run"
    return {"to the first": ["", *(single if run else text for run, text in zip(is_run[1:], texts[1:], strict=True))]}


def _crossed(row: pd.Series, digits: int) -> str:
    bounds = numbers.interval(row["macro_f1_cross_fitted_low"], row["macro_f1_cross_fitted_high"], digits)
    return f"{numbers.score(row['macro_f1_cross_fitted'])} {bounds}".strip()


def _with_baseline(ranking: Ranking) -> pd.DataFrame:
    """Taking the best single run is a method too: the last line, which every ensemble is to be read against."""
    if ranking.best is None:
        return ranking.ensembles
    best = ranking.best.copy()
    best["label"] = "(best single run)"
    best["macro_f1_cross_fitted"] = ranking.ensembles["best_single_cross_fitted"].max()
    best["members_train_seconds"] = best["train_seconds"]
    best["train_seconds"] = ranking.runs["train_seconds"].sum()
    return pd.concat([ranking.ensembles, best.to_frame().T], ignore_index=True)


def _members(ranking: Ranking) -> str:
    """Who is in each ensemble, one line each."""
    names = dict(zip(ranking.rows["run_id"], ranking.rows["label"], strict=True))
    return bullets(
        [f"**{escape(row['label'])}**: {_listed(row['members'], names)}" for row in _each(ranking.ensembles)]
    )


def _listed(text: str, names: Mapping[str, str]) -> str:
    """Members by falling weight, each with its weight, or once what all have: `a .75, b .25` or `a, b, .500 each`."""
    weighed = sorted(members(text), key=lambda member: (-member[1], member[0]))
    equal = len({weight for _, weight in weighed}) == 1
    shown = [_member(run_id, names) + ("" if equal else f" {numbers.score(weight)}") for run_id, weight in weighed]
    rest = sum(weight for _, weight in weighed[_SHOWN:])
    if shown[_SHOWN:]:
        shown = [*shown[:_SHOWN], f"{len(shown) - _SHOWN} more" + ("" if equal else f" {numbers.score(rest)}")]
    each = [f"{numbers.score(weighed[0][1])} each"] if equal and len(weighed) > 1 else []
    return ", ".join(shown + each)


def _member(run_id: str, names: Mapping[str, str]) -> str:
    return escape(names[run_id]) if run_id in names else f"{escape(run_id)} (no longer in the store)"


def _superseded(ranking: Ranking) -> str:
    rows = ranking.superseded
    listed = [f"{escape(row['run_id'])} ({numbers.score(row['score'])})" for row in _each(rows)]
    return f"Superseded by newer ones of the same method: {', '.join(listed)}." if listed else ""


def _each(rows: pd.DataFrame) -> Iterator[pd.Series]:
    return (row for _, row in rows.iterrows())
