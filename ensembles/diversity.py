"""Differences between the errors of members, and the classes that an ensemble fixes and breaks.

Measures of pairs after Kuncheva and Whitaker, "Measures of diversity in classifier ensembles", Machine Learning, 2003.
All take predicted: int (M, N) and labels: int (N,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensembles.metrics import Labels, per_class_f1

Matrix = NDArray[np.float64]


def disagreement(predicted: NDArray[np.integer[Any]]) -> Matrix:
    """Share of images on which two members predict different classes: float64 (M, M), 0 on the diagonal."""
    return np.array([[np.mean(a != b) for b in predicted] for a in predicted])


def double_fault(predicted: NDArray[np.integer[Any]], labels: Labels) -> Matrix:
    """Share of images on which two members are both wrong: float64 (M, M), on the diagonal each one's error."""
    wrong = (predicted != labels).astype(np.float64)
    faults: Matrix = wrong @ wrong.T / len(labels)
    return faults


def q_statistic(predicted: NDArray[np.integer[Any]], labels: Labels) -> Matrix:
    """Yule's Q of two members' hits, (ad - bc) / (ad + bc): float64 (M, M).

    a: images both hit, d: both miss, b and c: one hits. 1: they err on the same images, 0: independently, -1: never
    together. NaN where ad + bc = 0, as when neither ever errs.
    """
    hit = (predicted == labels).astype(np.float64)
    both, neither, only_one = hit @ hit.T, (1 - hit) @ (1 - hit).T, hit @ (1 - hit).T
    same, different = both * neither, only_one * only_one.T
    total = same + different
    q = np.full(total.shape, np.nan)
    np.divide(same - different, total, out=q, where=total > 0)
    return q


@dataclass(frozen=True, eq=False)
class ClassChanges:
    """Per-class F1 before and after, float64 (C,), with the number of images of each class, int (C,)."""

    support: NDArray[np.intp]
    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @property
    def fixed(self) -> list[int]:
        """Classes whose F1 rose, the largest gain first."""
        return self._changed(self.before - self.after)

    @property
    def broken(self) -> list[int]:
        """Classes whose F1 fell, the largest loss first."""
        return self._changed(self.after - self.before)

    @staticmethod
    def _changed(loss: NDArray[np.float64]) -> list[int]:
        return [int(label) for label in np.argsort(loss, kind="stable") if loss[label] < 0]


def class_changes(labels: Labels, before: Labels, after: Labels, n_classes: int) -> ClassChanges:
    """Changes of each class when one set of predictions replaces another.

    Args:
        labels: int (N,), in range(n_classes).
        before: int (N,), in range(n_classes); or (R, N), repeats over which F1 is averaged.
        after: likewise.
        n_classes: C.
    """
    f1_before, f1_after = (
        np.mean([per_class_f1(labels, row, n_classes) for row in np.atleast_2d(side)], axis=0)
        for side in (before, after)
    )
    return ClassChanges(np.bincount(labels, minlength=n_classes), f1_before, f1_after)
