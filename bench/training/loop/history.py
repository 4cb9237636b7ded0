"""History of a run, a row an epoch. Early stopping and targets are pure functions of it, alike in a resumed run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.config.recipe import Recipe
from ensembles.metrics import accuracy, log_loss, macro_f1


@dataclass(frozen=True)
class EpochRow:
    """One row of history.csv."""

    epoch: int
    learning_rate: float
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    val_macro_f1: float
    train_seconds: float
    eval_seconds: float
    checkpoint_seconds: float = 0.0
    input_wait_seconds: float = 0.0  # of train_seconds: waiting for the next batch


def validation_scores(labels: npt.NDArray[np.int64], log_probs: npt.NDArray[np.float32]) -> dict[str, float]:
    """The fields of a row that begin with `val_`, from labels (N,) and log-probabilities (N, C)."""
    classes = log_probs.argmax(axis=1)
    return {
        "val_loss": log_loss(labels, log_probs),
        "val_accuracy": accuracy(labels, classes),
        "val_macro_f1": macro_f1(labels, classes, log_probs.shape[1]),
    }


def did_not_train(rows: Sequence[EpochRow], classes: int, chance_loss: float) -> bool:
    """Whether the losses of training and validation both ended within 5 % of those of guessing.

    `chance_loss` is that of training, by the loss of the recipe; that of validation, a cross-entropy, is ln(classes).
    """
    ends = (rows[-1].loss, chance_loss), (rows[-1].val_loss, math.log(classes))
    return all(abs(loss / chance - 1) < 0.05 for loss, chance in ends)


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
        target: None: no target.
        val_macro_f1: one score an epoch.
        seconds: of each epoch, the first with all that came before it.
    """
    reaching = (epoch for epoch, score in enumerate(val_macro_f1, 1) if target is not None and score >= target)
    epoch = next(reaching, None)
    return None if epoch is None else (epoch, sum(seconds[:epoch]))


def selection_facts(recipe: Recipe, rows: Sequence[EpochRow], first_epoch_seconds: float) -> dict[str, Any]:
    """Fields of `Metrics` about early stopping and the target.

    Args:
        recipe: patience and target.
        rows: of all epochs.
        first_epoch_seconds: with all that came before the first epoch, such as an extraction.
    """
    scores = [row.val_macro_f1 for row in rows]
    seconds = [first_epoch_seconds, *(row.train_seconds for row in rows[1:])]
    target = reached(recipe.target_f1, scores, seconds)
    return {
        "selected_on_validation": len(rows) < recipe.epochs and should_stop(recipe, scores),
        "target_f1": recipe.target_f1,
        "target_epoch": target[0] if target else None,
        "target_seconds": target[1] if target else None,
    }
