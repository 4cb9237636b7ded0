"""The learning rate as a pure function of the epoch: ramp up, sustain, decay exponentially.

The formula is that of the flower notebooks ("Petals to the Metal", Kaggle). They passed it to Keras's
`LearningRateScheduler` with `start_lr` as its second parameter, so that Keras overwrote the start with the current rate
every epoch, and the ramp of the training was not the one in their plots. Both are implemented here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from bench.config.base import Frozen, Rate

ADAM_DEFAULT_LR = 0.001  # the rate that Keras passes to the schedule in epoch 0


class Schedule(Frozen):
    """Learning rate per epoch: a linear ramp, a plateau, an exponential decay (`bench.config.schedule`)."""

    start_lr: Rate  # first epoch's rate; may lie above max_lr, as in the flower log
    min_lr: Rate  # limit of the decay
    max_lr: Rate  # rate after the ramp
    ramp_epochs: Annotated[int, Field(ge=0)]
    sustain_epochs: Annotated[int, Field(ge=0)] = 0
    decay: Annotated[float, Field(gt=0, le=1)]  # factor per epoch of the rate above min_lr
    start_lr_feedback: bool = False  # as the notebooks trained: each epoch ramps from the rate of the epoch before
    max_lr_times_replicas: bool = False  # max_lr is the rate of one replica

    @model_validator(mode="after")
    def _ordered(self) -> Schedule:
        if self.min_lr > self.max_lr:
            raise ValueError(f"min_lr {self.min_lr:g} is above max_lr {self.max_lr:g}")
        return self

    def scaled(self, factor: float, replicas: int = 1) -> Schedule:
        """The schedule of a run: every rate times `factor`, max_lr also times replicas if `max_lr_times_replicas`."""
        times = replicas if self.max_lr_times_replicas else 1
        return self.model_copy(
            update={
                "start_lr": self.start_lr * factor,
                "min_lr": self.min_lr * factor,
                "max_lr": self.max_lr * factor * times,
                "max_lr_times_replicas": False,
            }
        )


def exponential_lr(epoch: int, schedule: Schedule, start_lr: float | None = None) -> float:
    """The learning rate of one epoch.

    Args:
        epoch: counted from 0.
        schedule: its rates and epochs.
        start_lr: replaces the schedule's own start, as Keras did in the notebooks.
    """
    start = schedule.start_lr if start_lr is None else start_lr
    if epoch < schedule.ramp_epochs:
        return start + (schedule.max_lr - start) * epoch / schedule.ramp_epochs
    past = epoch - schedule.ramp_epochs - schedule.sustain_epochs
    if past < 0:
        return schedule.max_lr
    return schedule.min_lr + (schedule.max_lr - schedule.min_lr) * schedule.decay**past


def planned_rates(schedule: Schedule, epochs: int) -> list[float]:
    """The rates of the formula, one per epoch."""
    return [exponential_lr(epoch, schedule) for epoch in range(epochs)]


def fed_back_rates(schedule: Schedule, epochs: int) -> list[float]:
    """The rates with which the notebooks trained: the ramp of each epoch starts at the rate of the epoch before."""
    rates = [ADAM_DEFAULT_LR]
    for epoch in range(epochs):
        rates.append(exponential_lr(epoch, schedule, start_lr=rates[-1]))
    return rates[1:]


def learning_rates(schedule: Schedule, epochs: int) -> list[float]:
    """The rates of a run: planned ones, or those with feedback if the schedule has `start_lr_feedback`."""
    return fed_back_rates(schedule, epochs) if schedule.start_lr_feedback else planned_rates(schedule, epochs)
