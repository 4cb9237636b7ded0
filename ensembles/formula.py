"""The state of a fitted combiner: numbers that turn the probabilities of its members into those of the ensemble."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ensembles.pooling import Rows, linear_pool, log_of, log_pool, logistic_pool, staged_pool


@dataclass(frozen=True, eq=False)
class Formula:
    """A weighted mean of M members; a product, a cascade or a stack if its numbers are given.

    Attributes:
        weights: float64 (M,), positive, sum 1: shares of the members.
        exponents: float64 (M,), of a product of probabilities.
        stages: of a cascade, members in the order in which they are run.
        threshold: of a cascade, the highest mean probability with which an image stops.
        arrays: of a stack, the arguments of `logistic_pool`.
        prior_shift: float64 (C,), taken off the log-probabilities at the end.
    """

    weights: NDArray[np.float64]
    exponents: NDArray[np.float64] | None = None
    stages: tuple[int, ...] | None = None
    threshold: float = 0.0
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    prior_shift: NDArray[np.float64] | None = None

    def predict(self, probs: Iterable[Rows]) -> Rows:
        """Probabilities of M members, float32 (N, C) each, to those of the ensemble, float32 (N, C)."""
        combined = self._combined(probs)
        if self.prior_shift is None:
            return combined
        shifted: Rows = softmax(log_of(combined) - self.prior_shift, axis=1).astype(np.float32)
        return shifted

    def _combined(self, probs: Iterable[Rows]) -> Rows:
        if self.stages is not None:
            members = list(probs)
            return staged_pool([members[stage] for stage in self.stages], self.threshold)
        if self.arrays:
            return logistic_pool(probs, **self.arrays)
        if self.exponents is not None:
            return log_pool(probs, self.exponents)
        return linear_pool(probs, self.weights)
