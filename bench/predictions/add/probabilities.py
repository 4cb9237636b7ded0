"""Checks that numbers are probabilities, and their logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import UserError
from ensembles.base import ROW_SUM_TOLERANCE

# Numbers below half of it become 0 in float32, so that a 0 stands for at most this number.
LEAST = float(np.finfo(np.float32).smallest_subnormal)
# Sums nearer to 1 than this are rounding of float32: division by them would only change the last digits.
ROUNDING = 1e-5


def log_probabilities(values: npt.NDArray[Any], ids: Sequence[str], path: Path) -> npt.NDArray[np.float32]:
    """Logarithms of probabilities, float (N, C) to float32 (N, C).

    Raises:
        UserError: NaN, negative numbers, or rows that do not sum to 1; one line that names the first such image.
    """
    probs = values.astype(np.float64)
    _refuse(path, ids, (~np.isfinite(probs)).any(axis=1), "a value that is NaN or infinite", "a number for every class")
    below = (probs < 0).any(axis=1)
    _refuse(path, ids, below, "a negative value", f"probabilities{_seem(probs)}")
    _refuse(path, ids, (probs == 0).all(axis=1), "zeros for all classes", f"a sum of 1{_underflow(values)}")
    sums = probs.sum(axis=1)
    off = np.abs(sums - 1) > ROW_SUM_TOLERANCE
    worst = f"values that sum to {sums[off.argmax()]:.4g}"
    _refuse(path, ids, off, worst, "1, so probabilities of all classes (softmax of the logits)")
    probs /= np.where(np.abs(sums - 1) > ROUNDING, sums, 1.0)[:, None]
    probs[probs == 0] = LEAST
    return np.log(probs).astype(np.float32)


def certain(predicted: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.float32]:
    """Log-probabilities float32 (N, C) of predicted classes (N,): probability 1 for that class."""
    found = np.full((len(predicted), classes), np.log(LEAST), dtype=np.float32)
    found[np.arange(len(predicted)), predicted] = 0.0
    return found


def warning(values: npt.NDArray[Any], path: Path) -> str:
    """A warning of float16 that lost its small values; empty: none."""
    if values.dtype != np.float16 or values.all():
        return ""
    return (
        f"WARNING: {np.mean(values == 0):.0%} of '{path}' underflowed to 0 in float16, which harms geometric means, "
        "blends and the log-loss. Save float32."
    )


def _refuse(path: Path, ids: Sequence[str], bad: Any, what: str, expected: str) -> None:
    """Raises if `bad`, bool (N,), holds for any image."""
    if bad.any():
        raise UserError(
            f"'{path}' gives '{ids[int(bad.argmax())]}' {what} ({bad.sum()} of {len(ids)} rows). Expected {expected}."
        )


def _seem(probs: npt.NDArray[np.float64]) -> str:
    """A guess at the kind of negative numbers."""
    if (probs <= 0).all() and np.allclose(np.exp(probs).sum(axis=1), 1, atol=ROW_SUM_TOLERANCE):
        return "; these are their logarithms: give exp of them"
    return "; these look like logits: give softmax of them"


def _underflow(values: npt.NDArray[Any]) -> str:
    return "; float16 underflows: save float32" if values.dtype == np.float16 else ""
