"""When to stop, and when a target was reached: pure functions of the epochs so far, so that a resumed run agrees."""

from __future__ import annotations

from collections.abc import Sequence

from bench.config import Recipe


def should_stop(recipe: Recipe, val_macro_f1: Sequence[float]) -> bool:
    """Whether `early_stopping_patience` epochs have passed without a better score.

    Epochs of the ramp do not count: while the rate rises, BatchNorm's statistics lag and early scores collapse.

    Args:
        recipe: patience and ramp.
        val_macro_f1: one score an epoch, in order.
    """
    counted = val_macro_f1[recipe.schedule.ramp_epochs :]
    if not recipe.early_stopping_patience or not counted:
        return False
    best = max(range(len(counted)), key=lambda epoch: (counted[epoch], -epoch))
    return len(counted) - 1 - best >= recipe.early_stopping_patience


def reached(target: float | None, val_macro_f1: Sequence[float], seconds: Sequence[float]) -> tuple[int, float] | None:
    """The first epoch, counted from 1, whose score is `target` or more, and the seconds of training until its end.

    Args:
        target: None: there is none.
        val_macro_f1: one score an epoch.
        seconds: of each epoch; what came before the first belongs to the first.
    """
    if target is None:
        return None
    for epoch, score in enumerate(val_macro_f1):
        if score >= target:
            return epoch + 1, sum(seconds[: epoch + 1])
    return None
