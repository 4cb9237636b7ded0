"""Scores of predictions: macro F1 from three counts, accuracy, log-loss.

Macro F1 is taken over all C labels, so that its meaning is the same on every subset of images; a class that is neither
present nor predicted counts as 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer[Any]]


def per_class_f1(labels: Labels, predicted: Labels, n_classes: int) -> NDArray[np.float64]:
    """F1 of each class, 2 hits / (images of the class + predictions of it).

    Args:
        labels: int (N,), in range(n_classes).
        predicted: int (N,), in range(n_classes).
        n_classes: C.

    Returns:
        float64 (C,), 0 for a class that is neither present nor predicted.

    Raises:
        ValueError: shapes differ, or a value lies outside range(n_classes).
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.shape != predicted.shape or labels.ndim != 1:
        raise ValueError(f"labels {labels.shape} and predicted {predicted.shape}: expected two arrays of shape (N,)")
    hits = _count(labels[labels == predicted], n_classes, "labels")
    total = _count(labels, n_classes, "labels") + _count(predicted, n_classes, "predicted")
    return f1_of(hits, total)


def f1_of(hits: NDArray[Any], total: NDArray[Any]) -> NDArray[np.float64]:
    """F1 from hits and from images plus predictions, of one shape; 0 for a class with neither."""
    f1: NDArray[np.float64] = np.divide(2.0 * hits, total, out=np.zeros(hits.shape), where=total > 0)
    return f1


def macro_f1(labels: Labels, predicted: Labels, n_classes: int) -> float:
    """Unweighted mean of `per_class_f1` over all C labels.

    Equal to the last bit to scikit-learn's `f1_score(labels=range(C), average="macro", zero_division=0)`.

    Example:
        >>> macro_f1(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1]), n_classes=3)  # (1 + 2/3 + 0) / 3
        0.5555555555555555
    """
    return float(per_class_f1(labels, predicted, n_classes).mean())


def accuracy(labels: Labels, predicted: Labels) -> float:
    """Share of images whose prediction is their label; labels and predicted: int (N,)."""
    return float(np.mean(np.asarray(labels) == np.asarray(predicted)))


def log_loss(labels: Labels, log_probs: NDArray[np.floating[Any]]) -> float:
    """Mean negative log-probability of the true class, in nats.

    Args:
        labels: int (N,).
        log_probs: float (N, C), logarithms of probabilities; -inf at a true class makes the result inf.
    """
    true_class = np.take_along_axis(log_probs, np.asarray(labels)[:, None], axis=1)
    return -float(np.mean(true_class, dtype=np.float64))


def _count(values: Labels, n_classes: int, name: str) -> NDArray[np.intp]:
    try:
        counts = np.bincount(values, minlength=n_classes)
    except (TypeError, ValueError):
        counts = None
    if counts is None or len(counts) != n_classes:
        raise ValueError(f"{name}: expected integers from 0 to {n_classes - 1}, got {_describe(values)}")
    return counts


def _describe(values: Labels) -> str:
    if values.dtype.kind not in "iu":
        return f"an array of {values.dtype}"
    return f"values from {values.min()} to {values.max()}"
