"""Configurations and ensembles as points of cost and score, and the Pareto front they form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.report import numbers
from bench.report.frame.configurations import configurations
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape


@dataclass(frozen=True)
class CostAxis:
    """One way to count what a row costs: its column, its name on an axis, its unit."""

    column: str
    title: str
    unit: str


COSTS = (
    CostAxis("train_seconds", "Training in full", "s"),
    CostAxis("inference_ms_per_image", "Inference", "ms per image"),
)


def points(ranking: Ranking) -> pd.DataFrame:
    """One row per configuration and ensemble: label, kind, family, image_px, score and its bounds, costs, comparable.

    Seconds of one device say nothing about another's: rows of a device other than the usual one are not comparable.
    """
    singles = configurations(ranking.runs).assign(kind="run")
    both = pd.concat([singles, ranking.ensembles.assign(n=1, tied=False)], join="inner", ignore_index=True)
    devices = both["device"]
    comparable = (devices == "") | (devices == ranking.usual_device) | (ranking.usual_device == "")
    return both.assign(comparable=comparable)


def with_cost(rows: pd.DataFrame, cost: CostAxis) -> pd.DataFrame:
    """The points whose cost is known, cheapest first, with the column `front`."""
    known: pd.DataFrame = rows[np.isfinite(rows[cost.column]) & (rows[cost.column] > 0)]
    known = known.sort_values([cost.column, "score", "label"], ascending=[True, False, True], kind="stable")
    compared = known[known["comparable"]]
    on_front = compared.index[front(compared[cost.column], compared["score"])]
    return known.assign(front=known.index.isin(on_front))


def front_lines(ranking: Ranking) -> str:
    """The front of each cost in words, cheapest first, for those who read without pictures."""
    lines = []
    for cost in COSTS:
        rows = with_cost(points(ranking), cost)
        steps = [_step(row, cost) for _, row in rows[rows["front"]].iterrows()]
        lines += [f"**{cost.title}**: {' → '.join(steps)}."] * bool(steps)
    return bullets(lines)


def _step(row: pd.Series, cost: CostAxis) -> str:
    return (
        f"{escape(row['label'])} ({numbers.score(row['score'])}, {numbers.significant(row[cost.column])} {cost.unit})"
    )


def front(costs: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which rows nothing dominates; equals of a front row are on it too, rows with a NaN never.

    Args:
        costs: (R,), or (K, R) of K kinds, smaller is better.
        scores: (R,), larger is better.

    Example:
        >>> front([1, 2, 3, 3], [.5, .4, .7, .6]).tolist()
        [True, False, True, False]
    """
    value = np.asarray(scores, float)
    losses = np.vstack([np.atleast_2d(np.asarray(costs, float)), -value])
    no_worse = (losses[:, :, None] <= losses[:, None, :]).all(axis=0)
    better = (losses[:, :, None] < losses[:, None, :]).any(axis=0)
    dominated = (no_worse & better).any(axis=0)
    return np.asarray(np.isfinite(losses).all(axis=0) & ~dominated)
