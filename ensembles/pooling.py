"""The two ways to pool opinions: the weighted mean of probabilities, and of their logarithms.

Sums run in float64 and member by member: the order of members then changes nothing that survives rounding to float32,
and beside the stack only one (N, C) array is held.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ensembles.base import Probs, Weights

# The smallest normal float32: the logarithm of anything that underflowed is taken here.
TINY = np.finfo(np.float32).tiny


def log_of(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probabilities, with zeros taken as the smallest normal float32 (-87.3 rather than -inf)."""
    logs: NDArray[np.float32] = np.maximum(probs, TINY)
    return np.log(logs, out=logs)


def linear_pool(probs: Probs, weights: Weights) -> Probs:
    """Weighted mean of probabilities: float32 (M, N, C) and float64 (M,) with sum 1, to float32 (N, C)."""
    total = np.zeros(probs.shape[1:])
    for member in np.flatnonzero(weights):
        total += weights[member] * probs[member].astype(np.float64)
    return total.astype(np.float32)


def log_pool(probs: Probs, exponents: Weights) -> Probs:
    """Product of probabilities to the power of their exponents, rows scaled to sum 1.

    Args:
        probs: float32 (M, N, C).
        exponents: float64 (M,); with sum 1 a weighted geometric mean, with a larger sum a sharper one.
    """
    total = np.zeros(probs.shape[1:])
    for member in np.flatnonzero(exponents):
        total += exponents[member] * log_of(probs[member]).astype(np.float64)
    pooled: Probs = softmax(total, axis=1).astype(np.float32)
    return pooled
