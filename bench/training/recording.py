"""What every kind of training says of itself in the same way: whose rows these are, and why it failed."""

from __future__ import annotations

import tensorflow as tf

from bench.data.index import DataIndex
from bench.result import FailureKind
from bench.store import Images


class NonFiniteLossError(Exception):
    """The loss became NaN or infinite. Its text names the epoch and the step."""


class OutOfMemoryError(Exception):
    """A batch does not fit in memory. Its text names it."""


def images_of(index: DataIndex, image_px: int) -> Images:
    """The images behind the rows of a run's arrays."""
    test = index.splits.get("test")
    return Images(
        val_ids=index.splits["val"].ids,
        test_ids=test.ids if test else (),
        val_labels=tuple(index.splits["val"].labels.tolist()),
        class_names=index.class_names,
        data_fingerprint=index.fingerprints[image_px],
        test_labels=None if index.test_labels is None else tuple(index.test_labels.tolist()),
    )


def failure_kind(error: Exception) -> FailureKind:
    """What kind of failure an exception is."""
    if isinstance(error, NonFiniteLossError):
        return "nan"
    memory = (OutOfMemoryError, MemoryError, tf.errors.ResourceExhaustedError)
    return "oom" if isinstance(error, memory) else "error"


def first_line(error: Exception) -> str:
    """The first line of what went wrong."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
