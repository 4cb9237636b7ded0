"""The ensembles: scores, gain over the best single run, costs, members."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bench.report import numbers
from bench.report.frame.inputs import Members
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, columns_table, escape

_SHOWN = 8  # members of an ensemble, the heaviest
_NOTE = (
    "Sorted by the cross-fitted F1, the fair one. Every candidate had to be trained to choose among them, for the best "
    "single run as for an ensemble; the members alone are the cost of training the choice again."
)


def ensembles(ranking: Ranking) -> list[str]:
    """The table of scores and costs, the members of each, and the superseded ones."""
    scores = [] if ranking.ensembles.empty else [_scores(_with_baseline(ranking))]
    lines = [f"**{escape(row['label'])}**: {_members(row['members'], ranking)}" for row in _each(ranking.ensembles)]
    tables = [*scores, bullets(lines), _superseded(ranking)]
    return [*tables, _NOTE, _test_note(ranking)] if any(tables) else []


def _with_baseline(ranking: Ranking) -> pd.DataFrame:
    """The ensembles and, as the last line, the baseline of every ensemble: taking the best single run."""
    if ranking.best is None:
        return ranking.ensembles
    best = ranking.best.copy()
    best["label"] = "(best single run)"
    best["macro_f1_cross_fitted"] = ranking.ensembles["best_single_cross_fitted"].max()
    best["members_train_seconds"] = best["train_seconds"]
    best["train_seconds"] = ranking.runs["train_seconds"].sum()
    return pd.concat([ranking.ensembles, best.to_frame().T], ignore_index=True)


def _scores(rows: pd.DataFrame) -> str:
    columns = {
        "ensemble": list(rows["label"]),
        "cross-fitted F1": numbers.score_column(rows, "macro_f1_cross_fitted"),
        "fit F1": [numbers.score(value) for value in rows["macro_f1"]],
        "over best single": numbers.gain_column(rows, "gain_over_best_single"),
        **_ties(rows),
        "test F1": numbers.score_column(rows, "test_macro_f1", digits=2),
        "members": [str(len(members) or 1) for members in rows["members"]],
        "candidates' train s": numbers.column(rows["train_seconds"]),
        "members' train s": numbers.column(rows["members_train_seconds"]),
        "ms/image": numbers.column(rows["inference_ms_per_image"]),
    }
    return columns_table(columns, left=["ensemble"])


def _ties(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Whether each method is within the noise of the first, if ties were computed."""
    tied = rows["indistinguishable_from_best_ensemble"].astype(bool)
    if not tied.any():
        return {}
    lows = rows["gain_over_best_single_low"].iloc[0]
    single = numbers.MISSING if pd.isna(lows) else "within noise" if lows <= 0 else "below it"
    texts = ["within noise" if alike else "below it" for alike in tied]
    is_run = rows["kind"] == "run"
    return {"to the first": ["", *(single if run else text for run, text in zip(is_run[1:], texts[1:], strict=True))]}


def _members(members: Members, ranking: Ranking) -> str:
    """Members by falling weight, each with its weight, or with a common one: `a .75, b .25`, `a, b, .500 each`."""
    weighed = sorted(members, key=lambda member: (-round(member[1], 6), member[0]))
    equal = len({round(weight, 6) for _, weight in weighed}) == 1
    shown = [_member(run_id, ranking) + ("" if equal else f" {numbers.score(weight)}") for run_id, weight in weighed]
    rest = sum(weight for _, weight in weighed[_SHOWN:])
    if shown[_SHOWN:]:
        shown = [*shown[:_SHOWN], f"{len(shown) - _SHOWN} more" + ("" if equal else f" {numbers.score(rest)}")]
    each = [f"{numbers.score(weighed[0][1])} each"] if equal and len(weighed) > 1 else []
    return ", ".join(shown + each)


def _member(run_id: str, ranking: Ranking) -> str:
    known = run_id in ranking.labels
    return escape(ranking.labels[run_id]) if known else f"{escape(run_id)} (no longer in the store)"


def _superseded(ranking: Ranking) -> str:
    listed = [f"{escape(row['run_id'])} ({numbers.score(row['score'])})" for row in _each(ranking.superseded)]
    return f"Superseded by newer ones of the same method: {', '.join(listed)}." if listed else ""


def _test_note(ranking: Ranking) -> str:
    bare = ranking.current[ranking.current["test_macro_f1"].notna() & ranking.current["test_macro_f1_low"].isna()]
    return f"Test F1 has no interval: {ranking.fact('test_images')} images are too few for one." if len(bare) else ""


def _each(rows: pd.DataFrame) -> Iterator[pd.Series]:
    return (row for _, row in rows.iterrows())
