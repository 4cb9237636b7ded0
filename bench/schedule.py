"""The learning rate as a pure function of the epoch: ramp up, sustain, decay exponentially.

The formula is the one of the flower notebooks ("Petals to the Metal", Kaggle). They handed it to Keras's
`LearningRateScheduler` with `start_lr` as its second parameter, so Keras overwrote the start with the current rate
every epoch, and the ramp they trained with was not the one they plotted. Both are here.
"""

from __future__ import annotations

from typing import Protocol

ADAM_DEFAULT_LR = 0.001  # what Keras hands to the schedule in epoch 0, before anything was set


class ScheduleLike(Protocol):
    """What a schedule is made of; `bench.config.Schedule` is one."""

    @property
    def start_lr(self) -> float: ...  # noqa: D102
    @property
    def min_lr(self) -> float: ...  # noqa: D102
    @property
    def max_lr(self) -> float: ...  # noqa: D102
    @property
    def ramp_epochs(self) -> int: ...  # noqa: D102
    @property
    def sustain_epochs(self) -> int: ...  # noqa: D102
    @property
    def decay(self) -> float: ...  # noqa: D102
    @property
    def start_lr_feedback(self) -> bool: ...  # noqa: D102


def exponential_lr(epoch: int, schedule: ScheduleLike, start_lr: float | None = None) -> float:
    """The learning rate of one epoch.

    Args:
        epoch: counted from 0.
        schedule: its six numbers.
        start_lr: replaces the schedule's own start; this is what Keras did to the notebooks.
    """
    start = schedule.start_lr if start_lr is None else start_lr
    if epoch < schedule.ramp_epochs:
        return start + (schedule.max_lr - start) * epoch / schedule.ramp_epochs
    past = epoch - schedule.ramp_epochs - schedule.sustain_epochs
    if past < 0:
        return schedule.max_lr
    return schedule.min_lr + (schedule.max_lr - schedule.min_lr) * schedule.decay**past


def planned_rates(schedule: ScheduleLike, epochs: int) -> list[float]:
    """The schedule as it is written down, one rate per epoch."""
    return [exponential_lr(epoch, schedule) for epoch in range(epochs)]


def fed_back_rates(schedule: ScheduleLike, epochs: int) -> list[float]:
    """The rates that the notebooks trained with: each epoch's ramp starts at the rate of the epoch before."""
    rates = [ADAM_DEFAULT_LR]
    for epoch in range(epochs):
        rates.append(exponential_lr(epoch, schedule, start_lr=rates[-1]))
    return rates[1:]


def learning_rates(schedule: ScheduleLike, epochs: int) -> list[float]:
    """The rates a run trains with: planned ones, or those with the feedback where the schedule asks for it."""
    return fed_back_rates(schedule, epochs) if schedule.start_lr_feedback else planned_rates(schedule, epochs)
