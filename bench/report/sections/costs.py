"""Accuracy versus cost: the Pareto fronts, and the gain and price of more pixels."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bench.report import numbers
from bench.report.figures import scatter
from bench.report.frame.points import COSTS, CostAxis, points, with_cost, without_px
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape, table

_FRONT = (
    "No other point is both cheaper and better than one on the front; its steps may be smaller than the noise. Bars "
    "are 95 % intervals; ensembles cost the steady seconds and the milliseconds of their members."
)
_HOLLOW = "Hollow points ran on another device and are on no front."
_RESOLUTION = "Differences are paired on the same images, each with its own 95 % interval; seconds are steady."
_HEADERS = ["backbone", "px", "macro F1", "difference", "train s", "ratio", "ms/image", "ratio"]


def fronts(ranking: Ranking, pictures: Mapping[str, str]) -> list[str]:
    """The figure, and the front of each cost as text, cheapest first."""
    if scatter.NAME not in pictures:
        return []
    lines, found = [], points(ranking)
    for cost in COSTS:
        rows = with_cost(found, cost)
        steps = [_step(row, cost) for _, row in rows[rows["front"]].iterrows()]
        lines += [f"**{cost.title}** ({cost.unit}): {' → '.join(steps)}."] * bool(steps)
    note = f"{_FRONT} {'' if found['comparable'].all() else _HOLLOW}".strip()
    return [pictures[scatter.NAME], note, bullets(lines)]


def resolution(ranking: Ranking) -> list[str]:
    """One line for each pair that differs in its resolution alone: the score gained, the time paid."""
    pairs, rows = ranking.pairs, ranking.configurations.set_index("configuration")
    if pairs.empty:
        return []
    subjects = without_px(rows)
    cells = [
        _cells(subjects[pair["one"]], pair, rows.loc[pair["one"]], rows.loc[pair["other"]])
        for _, pair in pairs.sort_values("difference", ascending=False, kind="stable").iterrows()
        if rows.loc[pair["one"], "image_px"] < rows.loc[pair["other"], "image_px"]
    ]
    return [table(_HEADERS, cells, left=["backbone"]), _RESOLUTION] if cells else []


def _step(row: pd.Series, cost: CostAxis) -> str:
    return f"{escape(row['label'])} ({numbers.score(row['score'])}, {numbers.significant(row[cost.column])})"


def _cells(subject: str, pair: pd.Series, small: pd.Series, large: pd.Series) -> list[str]:
    return [
        subject,
        f"{small['image_px']:.0f} → {large['image_px']:.0f}",
        f"{numbers.score(pair['score_one'])} → {numbers.score(pair['score_other'])}",
        numbers.gain_with(pair["difference"], pair["low"], pair["high"]),
        *_paid(small, large, "train_seconds"),
        *_paid(small, large, "inference_ms_per_image"),
    ]


def _paid(small: pd.Series, large: pd.Series, cost: str) -> tuple[str, str]:
    both = f"{numbers.significant(small[cost])} → {numbers.significant(large[cost])}"
    return both, numbers.ratio(numbers.divide(large[cost], small[cost]))
