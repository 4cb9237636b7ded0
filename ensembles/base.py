"""Combiners: fitted on validation probabilities, applied to others, with one weight per member.

Array axes here and in all of the package: M members, N images, C classes. `probs` is float32 (M, N, C) with rows
that sum to 1, `labels` is int (N,). No argument is changed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ensembles.formula import Formula
from ensembles.metrics import Labels

Probs = NDArray[np.float32]
Weights = NDArray[np.float64]
# All images, or the indices of some.
Images = slice | NDArray[np.intp]

# A float16 or text round trip moves a row's sum by up to 1e-3 at C = 1,000; a missing class moves most rows by more.
ROW_SUM_TOLERANCE = 2e-3


class Combiner(ABC):
    """Turns the probabilities of M members into one set of probabilities.

    Attributes set by `fit`:
        weights: float64 (M,), not negative, sum 1: the share of each member. A member of weight 0 need not be run.

    Attributes that may be set before:
        board: `ensembles.mean.Scoreboard` of the arrays passed to `fit`, for combiners that rank members; None: each
            fit computes it.
    """

    weights: Weights
    board: Any = None

    def fit(self, probs: Probs, labels: Labels) -> Self:
        """Learn from validation predictions.

        Args:
            probs: float32 (M, N, C), rows sum to 1.
            labels: int (N,), in range(C).

        Raises:
            ValueError: an array of another shape or kind, NaN or negative probabilities, rows that do not sum to 1,
                labels outside range(C).
        """
        probs = checked_probs(probs)
        self._fit(probs, checked_labels(labels, probs), slice(None))
        return self

    def predict_proba(self, probs: Probs) -> Probs:
        """Combine the same M members on any images: float32 (M, N, C) to float32 (N, C), rows sum to 1."""
        if not hasattr(self, "weights"):
            raise ValueError(f"{type(self).__name__} has not been fitted: call fit(probs, labels) first")
        probs = checked_probs(probs)
        if len(probs) != len(self.weights):
            raise ValueError(f"probs of {len(probs)} members: {type(self).__name__} was fitted on {len(self.weights)}")
        return self._predict(probs)

    @property
    def models_used(self) -> list[int]:
        """Indices of the members whose weight is not zero, ascending."""
        return [int(member) for member in np.flatnonzero(self.weights)]

    def formula(self) -> Formula:
        """The fitted state, of the members used: all that is needed to predict again. By default a weighted mean."""
        return Formula(self.weights[self.models_used])

    def unwrapped(self) -> tuple[Combiner, list[int]]:
        """The innermost combiner, if this one wraps another, and the index of each of its members."""
        return self, list(range(len(self.weights)))

    @abstractmethod
    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        """Set `weights` and the other attributes that `formula` needs, from these images of checked arrays.

        Attributes are assigned, never changed in place: cross-fitting fits shallow copies. It passes all images and
        the indices of some, since a copy of those would take as much memory as the stack.
        """

    def _predict(self, probs: Probs, images: Images = slice(None)) -> Probs:
        """Combine these images of checked arrays; only members that are used are read."""
        return self.formula().predict(probs[member, images] for member in self.models_used)


def checked_probs(probs: Any) -> Probs:
    """The same probabilities as float32 (M, N, C), copied only if they are of another type.

    Raises:
        ValueError: not a float array of that shape, not finite, negative, rows that do not sum to 1, or float16 in
            which small probabilities have become 0.
    """
    array = np.asarray(probs)
    if array.dtype.kind != "f":
        raise ValueError(f"probs: expected a float32 array (M, N, C), got an array of {array.dtype}")
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(f"probs: expected shape (M, N, C) with none of them 0, got {array.shape}")
    if array.dtype == np.float16 and (array == 0).any():
        raise ValueError(f"probs: {np.mean(array == 0):.0%} of these float16 values underflowed to 0, use float32")
    for member, rows in enumerate(array):
        _check_member(member, rows)
    return array.astype(np.float32, copy=False)


def checked_labels(labels: Any, probs: Probs) -> Labels:
    """Labels as an integer array that fits `probs` (M, N, C).

    Raises:
        ValueError: not integers, not of shape (N,), or outside range(C).
    """
    array = np.asarray(labels)
    _, n_images, n_classes = probs.shape
    if array.dtype.kind not in "iu":
        raise ValueError(f"labels: expected integers, got an array of {array.dtype}")
    if array.shape != (n_images,):
        raise ValueError(f"labels: expected shape ({n_images},) as in probs {probs.shape}, got {array.shape}")
    if array.min() < 0 or array.max() >= n_classes:
        raise ValueError(f"labels: expected 0 to {n_classes - 1}, got {array.min()} to {array.max()}")
    return array


def checked_costs(costs: Sequence[float] | None, n_members: int) -> NDArray[np.float64]:
    """Costs of members as float64 (M,); None: all the same.

    Raises:
        ValueError: another number of costs than of members.
    """
    array = np.ones(n_members) if costs is None else np.asarray(costs, dtype=np.float64)
    if array.shape != (n_members,):
        raise ValueError(f"costs: expected one for each of {n_members} members, got {len(array)}")
    return array


def _check_member(member: int, rows: NDArray[Any]) -> None:
    sums = rows.sum(axis=1, dtype=np.float32)
    if not np.isfinite(sums).all():
        raise ValueError(f"probs of member {member}: NaN or infinite in {np.sum(~np.isfinite(sums))} rows")
    if rows.min() < 0:
        raise ValueError(f"probs of member {member}: negative values, the least is {rows.min()}")
    worst = np.argmax(np.abs(sums - 1))
    if abs(sums[worst] - 1) > ROW_SUM_TOLERANCE:
        raise ValueError(f"probs of member {member}: row {worst} sums to {sums[worst]:.6g}, expected 1 (log-probs?)")
