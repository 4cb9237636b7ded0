"""The ensembles' section: what each scores, what it adds to the best single run, what it costs, who is in it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from bench.report import numbers
from bench.report.markdown import escape, table
from bench.report.ranking import Ranking


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
        "test F1": [test_score(row) for row in _each(rows)],
        "members": [str(len(members(text)) or 1) for text in rows["members"]],
        "candidates' train s": numbers.column(rows["train_seconds"]),
        "members' train s": numbers.column(rows["members_train_seconds"]),
        "ms/image": numbers.column(rows["inference_ms_per_image"]),
    }
    return table(list(columns), list(zip(*columns.values(), strict=True)), left=["ensemble"])


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
    known = {row["run_id"]: (str(row["label"]), numbers.score(row["score"])) for row in _each(ranking.rows)}
    cells = [
        [row["label"], *known.get(run_id, (f"{run_id} (no longer in the store)", numbers.MISSING)), f"{weight:.3f}"]
        for row in _each(ranking.ensembles)
        for run_id, weight in sorted(members(row["members"]), key=lambda member: (-member[1], member[0]))
    ]
    return table(["ensemble", "member", "its F1", "weight"], cells, left=["ensemble", "member"]) if cells else ""


def _superseded(ranking: Ranking) -> str:
    rows = ranking.superseded
    listed = [f"{escape(row['run_id'])} ({numbers.score(row['score'])})" for row in _each(rows)]
    return f"Superseded by newer ones of the same method: {', '.join(listed)}." if listed else ""


def _each(rows: pd.DataFrame) -> Iterator[pd.Series]:
    return (row for _, row in rows.iterrows())
