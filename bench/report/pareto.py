"""The Pareto front of cost and score: rows for which nothing is as cheap and better, or as good and cheaper."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def front(costs: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which rows nothing dominates; equals of a front row are on it too, rows with a NaN never.

    Args:
        costs: (R,), smaller is better.
        scores: (R,), larger is better.

    Example:
        >>> front([1, 2, 3, 3], [.5, .4, .7, .6]).tolist()
        [True, False, True, False]
    """
    cost, value = np.asarray(costs, float), np.asarray(scores, float)
    no_worse = (cost[:, None] <= cost) & (value[:, None] >= value)
    better = (cost[:, None] < cost) | (value[:, None] > value)
    dominated = (no_worse & better).any(axis=0)
    return np.asarray(np.isfinite(cost) & np.isfinite(value) & ~dominated)
