"""The Pareto front of costs and score: rows for which nothing is as cheap and better, or as good and cheaper."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


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
