"""Failures of training: its errors, and the event that reports the end of a run."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.errors import UserError
from bench.jobs.messages import Emit, Failed, FailureKind, Finished


class NonFiniteLossError(Exception):
    """The loss became NaN or infinite. The message names the epoch and the step."""


class OutOfMemoryError(Exception):
    """A batch does not fit in memory. The message names it."""


def check_finite(losses: Sequence[float] | npt.NDArray[np.float32], epoch: int, step_images: int = 1) -> None:
    """Checks the losses of an epoch in order: one a step, or one an image with `step_images` images a step.

    Raises:
        NonFiniteLossError: names the first step whose loss is not finite.
    """
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise NonFiniteLossError(f"loss is {losses[bad[0]]} in epoch {epoch + 1}, step {bad[0] // step_images + 1}")


def report_outcome(run_id: str, emit: Emit, train: Callable[[], float]) -> None:
    """Calls `train`, which returns a macro F1, and emits `Finished` with it, or `Failed` for an exception.

    Raises:
        UserError: raised by `train`; it ends the whole command.
    """
    started = time.perf_counter()
    try:
        macro_f1 = train()
    except UserError:
        raise
    except Exception as error:
        traceback.print_exc()
        seconds = time.perf_counter() - started
        emit(Failed(run_id=run_id, kind=_kind(error), reason=first_line(error), seconds=seconds))
    else:
        emit(Finished(run_id=run_id, macro_f1=macro_f1, seconds=time.perf_counter() - started))


def first_line(error: Exception) -> str:
    """The type of an exception and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _kind(error: Exception) -> FailureKind:
    if isinstance(error, NonFiniteLossError):
        return "nan"
    memory = (OutOfMemoryError, MemoryError, tf.errors.ResourceExhaustedError)
    return "oom" if isinstance(error, memory) else "error"
