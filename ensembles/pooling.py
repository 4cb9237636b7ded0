"""Ways to pool the probabilities of M members: the weighted mean, the product, a cascade, a logistic regression.

Each takes M arrays, float32 (N, C), one after the other, and returns one. Sums run in float64 and member by member: the
order of members then changes nothing that survives rounding to float32, and few (N, C) arrays are held at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

Rows = NDArray[np.float32]  # probabilities or their logarithms, (N, C)
Members = Iterable[Rows]

# The smallest normal float32: the logarithm of anything that underflowed is taken here.
TINY = np.finfo(np.float32).tiny


def log_of(probs: Rows) -> Rows:
    """Log-probabilities, with zeros taken as the smallest normal float32 (-87.3 rather than -inf)."""
    logs: Rows = np.maximum(probs, TINY)
    return np.log(logs, out=logs)


def log_columns(probs: Members) -> Rows:
    """Log-probabilities of M members side by side: float32 (N, M * C)."""
    return np.concatenate([log_of(rows) for rows in probs], axis=1)


def linear_pool(probs: Members, weights: NDArray[np.float64]) -> Rows:
    """Weighted mean of probabilities, weights float64 (M,) with sum 1."""
    total: Any = sum(weight * rows.astype(np.float64) for weight, rows in zip(weights, probs, strict=True) if weight)
    pooled: Rows = total.astype(np.float32)
    return pooled


def log_pool(probs: Members, exponents: NDArray[np.float64]) -> Rows:
    """Product of probabilities to the power of their exponents, rows scaled to sum 1.

    Args:
        probs: M of float32 (N, C).
        exponents: float64 (M,); with sum 1 a weighted geometric mean, with a larger sum a sharper one.
    """
    pairs = zip(exponents, probs, strict=True)
    total = sum(exponent * log_of(rows).astype(np.float64) for exponent, rows in pairs if exponent)
    pooled: Rows = softmax(total, axis=1).astype(np.float32)
    return pooled


def running_means(probs: Sequence[Rows] | Rows) -> NDArray[np.float64]:
    """Means of the first 1, 2, ... S stages: float64 (S, N, C)."""
    means: NDArray[np.float64] = np.cumsum(probs, axis=0, dtype=np.float64)
    return means / np.arange(1, len(probs) + 1)[:, None, None]


def last_stage(confidence: NDArray[np.float64], threshold: float) -> NDArray[np.intp]:
    """Stage (N,) at which each image stops: the first whose confidence (S, N) reaches the threshold, else the last."""
    sure = confidence >= threshold
    sure[-1] = True
    last: NDArray[np.intp] = sure.argmax(axis=0)
    return last


def staged_pool(probs: Sequence[Rows] | Rows, threshold: float) -> Rows:
    """Mean of the stages that each image is run on.

    Args:
        probs: S stages in the order in which they are run, float32 (N, C) each.
        threshold: an image stops once the highest mean probability reaches it.
    """
    means = running_means(probs)
    last = last_stage(means.max(axis=2), threshold)
    pooled: Rows = means[last, np.arange(len(last))].astype(np.float32)
    return pooled


def logistic_pool(
    probs: Members, coefficients: NDArray[np.float64], intercepts: NDArray[Any], stacked_classes: NDArray[np.intp]
) -> Rows:
    """Logistic regression on log-probabilities.

    Args:
        probs: M of float32 (N, C).
        coefficients: (K, M * C); with two classes (1, M * C), those of the second alone.
        intercepts: (K,), likewise.
        stacked_classes: int (K,), of the C classes those that the regression knows. The others get probability 0.
    """
    members = list(probs)
    scores = log_columns(members) @ coefficients.T + intercepts
    known = softmax(scores, axis=1) if scores.shape[1] > 1 else np.hstack([expit(-scores), expit(scores)])
    pooled = np.zeros(members[0].shape, dtype=np.float32)
    pooled[:, stacked_classes] = known
    return pooled
