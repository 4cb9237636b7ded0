"""Failures of training: the errors it raises, and the kind and line that a failed run records."""

from __future__ import annotations

import tensorflow as tf

from bench.jobs.messages import FailureKind


class NonFiniteLossError(Exception):
    """The loss became NaN or infinite. Its text names the epoch and the step."""


class OutOfMemoryError(Exception):
    """A batch does not fit in memory. Its text names it."""


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
