"""Configurations and ensembles as points of cost and score, and the Pareto front they form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.report.frame.ranking import Ranking

Point = TypeVar("Point")


@dataclass(frozen=True)
class CostAxis:
    """One kind of cost: its column, its name on an axis, its unit."""

    column: str
    title: str
    unit: str


COSTS = (
    CostAxis("train_seconds", "Training, steady", "s"),
    CostAxis("inference_ms_per_image", "Inference", "ms per image"),
)


def points(ranking: Ranking) -> pd.DataFrame:
    """One row per configuration and ensemble: label, kind, family, image_px, score and its bounds, costs, comparable.

    Seconds of different devices cannot be compared: rows of a device other than the usual one are not comparable.
    """
    singles = ranking.configurations.assign(kind="run")
    both = pd.concat([singles, ranking.ensembles.assign(n=1, tied=False)], join="inner", ignore_index=True)
    return both.assign(comparable=is_comparable(both, ranking))


def is_comparable(rows: pd.DataFrame, ranking: Ranking) -> pd.Series[bool]:
    """Whether the costs of each row are those of the usual device, or of an unknown one."""
    devices = rows["device"]
    return (devices == "") | (devices == ranking.usual_device) | (ranking.usual_device == "")


def with_cost(rows: pd.DataFrame, cost: CostAxis) -> pd.DataFrame:
    """The points of known cost, cheapest first, with the column `front`."""
    known: pd.DataFrame = rows[np.isfinite(rows[cost.column]) & (rows[cost.column] > 0)]
    known = known.sort_values([cost.column, "score", "label"], ascending=[True, False, True], kind="stable")
    compared = known[known["comparable"]]
    on_front = compared.index[front(compared[cost.column], compared["score"])]
    return known.assign(front=known.index.isin(on_front))


def front(costs: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """The rows that no other dominates; equals of a front row are on the front too, rows with a NaN never.

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


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many points, evenly spread, the first and the last included."""
    if len(points) <= most:
        return list(points)
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def without_px(rows: pd.DataFrame) -> pd.Series[str]:
    """The part of each label that stays the same at another resolution: the backbone and its qualifiers."""
    texts = [label.replace(f"@{px:.0f}", "", 1) for label, px in zip(rows["label"], rows["image_px"], strict=True)]
    return pd.Series(texts, index=rows.index, name="subject")
