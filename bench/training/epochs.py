"""What is kept of every epoch, however it was trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


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


def did_not_train(rows: Sequence[EpochRow], classes: int) -> bool:
    """Whether training and validation loss both ended within 5 % of ln(classes), what guessing gives."""
    chance = math.log(classes)
    return all(abs(loss / chance - 1) < 0.05 for loss in (rows[-1].loss, rows[-1].val_loss))
