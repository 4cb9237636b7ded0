"""Accuracy versus cost: the Pareto fronts, and the gain and price of more pixels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import pandas as pd

from bench.report import numbers
from bench.report.figures import scatter
from bench.report.frame.points import COSTS, CostAxis, points, with_cost, without_px
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape, table

_FRONT = (
    "Bars are 95 % intervals over the validation images, of several seeds their mean. No other point is both cheaper "
    "and better than one on the front; the steps of the front may be smaller than the noise. Hollow points ran on "
    "another device and are not on the front. The front:"
)
_RESOLUTION = (
    "+/- is the half width of a 95 % interval of the difference as if both had been scored on different images; they "
    "share theirs, so the true one is narrower."
)
_HEADERS = ["backbone", "px", "macro F1", "difference", "+/-", "train s", "train ratio", "ms/image", "ms ratio"]


def fronts(ranking: Ranking, pictures: Mapping[str, str]) -> list[str]:
    """The figure, and the front of each cost as text, cheapest first."""
    if scatter.NAME not in pictures:
        return []
    lines = []
    for cost in COSTS:
        rows = with_cost(points(ranking), cost)
        steps = [_step(row, cost) for _, row in rows[rows["front"]].iterrows()]
        lines += [f"**{cost.title}**: {' → '.join(steps)}."] * bool(steps)
    return [pictures[scatter.NAME], _FRONT, bullets(lines)]


def resolution(ranking: Ranking) -> list[str]:
    """One line per backbone, recipe and step between neighbouring resolutions: the score gained, the time paid."""
    rows = points(ranking)
    rows = rows[(rows["kind"] == "run") & rows["comparable"] & rows["image_px"].notna()]
    rows = rows.assign(subject=without_px(rows)).sort_values("image_px", kind="stable")
    groups = [[row for _, row in group.iterrows()] for _, group in rows.groupby("subject")]
    pairs = [pair for group in groups for pair in itertools.pairwise(group)]
    pairs.sort(key=lambda pair: pair[0]["score"] - pair[1]["score"])
    return [table(_HEADERS, [_cells(*pair) for pair in pairs], left=["backbone"]), _RESOLUTION] if pairs else []


def _step(row: pd.Series, cost: CostAxis) -> str:
    price = f"{numbers.significant(row[cost.column])} {cost.unit}"
    return f"{escape(row['label'])} ({numbers.score(row['score'])}, {price})"


def _cells(small: pd.Series, large: pd.Series) -> list[str]:
    return [
        small["subject"],
        f"{small['image_px']:.0f} → {large['image_px']:.0f}",
        f"{numbers.score(small['score'])} → {numbers.score(large['score'])}",
        numbers.gain(large["score"] - small["score"]),
        numbers.score(math.hypot(_half_width(small), _half_width(large)), 2),
        *_paid(small, large, "train_seconds"),
        *_paid(small, large, "inference_ms_per_image"),
    ]


def _paid(small: pd.Series, large: pd.Series, cost: str) -> tuple[str, str]:
    both = f"{numbers.significant(small[cost])} → {numbers.significant(large[cost])}"
    return both, numbers.ratio(numbers.divide(large[cost], small[cost]))


def _half_width(row: pd.Series) -> float:
    return float(row["score_high"] - row["score_low"]) / 2
