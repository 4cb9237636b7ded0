"""Costs of trained runs, from the clocks of extraction, epochs and predictions (METHODOLOGY.md)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.config.run import RunConfig
from bench.store.result import Cost
from bench.training.assembly import Preparation
from bench.training.device import forward_gflops, peak_memory_mib
from bench.training.features.bank import VIEWS, BankSet
from bench.training.features.extraction import Extraction
from bench.training.features.head_trainer import HeadTrainer
from bench.training.loop.checkpoint import Progressed
from bench.training.loop.history import EpochRow
from bench.training.loop.prediction import Pace
from bench.training.loop.steps import Training


def frozen_cost(banks: BankSet, history: Sequence[EpochRow], config: RunConfig, trainer: HeadTrainer) -> Cost:
    """Cost of a frozen run: extraction and start-up in full, even if another run paid for them, and its own epochs."""
    splits, val = config.train_on.split("+"), banks.timing("val")
    timings = [banks.timing(split, view) for split in splits for view in VIEWS[: config.recipe.views]]
    extraction = Extraction(
        seconds=sum(timing.seconds for timing in timings),
        eval_seconds=0.0 if "val" in splits else val.seconds,
        # Once: splits and views share passes, and banks of several passes cost no more than those of one.
        startup_seconds=max(timing.startup_seconds for timing in timings),
        shared=banks.shared,
    )
    epochs = _Epochs.of(history, starts=(0,), first_steps=0.0)
    return Cost(
        **_shared_fields(epochs, trainer.startup_seconds, extraction, config.recipe.views),
        eval_seconds=extraction.eval_seconds + sum(row.eval_seconds for row in history),
        inference_ms_per_image=val.ms_per_image,
        inference_batch=val.batch,
        parameters=val.backbone_parameters + trainer.parameters,
        gflops_per_image=val.gflops_per_image,
    )


def tuned_cost(
    training: Training, progressed: Progressed, pace: Pace, preparation: Preparation, eval_seconds: float
) -> Cost:
    """Cost of a fine-tuned run, earlier processes included.

    Args:
        training: the network and the images it trained on.
        progressed: all its epochs.
        pace: of predicting the validation split.
        preparation: the maps that it trained on are charged in full even if another run made them.
        eval_seconds: of the last prediction of validation, beyond those of the epochs.
    """
    rows, extraction = progressed.rows, preparation.extraction
    later = rows[1:] or rows  # the first epoch waits for the pipeline to fill
    epochs = _Epochs.of(rows, progressed.starts, progressed.startup_seconds)
    of_maps = extraction.eval_seconds if extraction else 0.0
    return Cost(
        **_shared_fields(epochs, preparation.scale_seconds, extraction, training.recipe.views),
        eval_seconds=of_maps + sum(row.eval_seconds for row in rows) + eval_seconds,
        checkpoint_seconds=sum(row.checkpoint_seconds for row in rows),
        images_per_second=len(training.train) / epochs.ordinary,
        input_wait_share=sum(row.input_wait_seconds for row in later) / sum(row.train_seconds for row in later),
        inference_ms_per_image=pace.ms_per_image,
        inference_batch=pace.batch,
        parameters=int(training.network.model.count_params()),
        gflops_per_image=forward_gflops(training.network.model, pace.image_px),
    )


@dataclass(frozen=True)
class _Epochs:
    """Seconds of training: of each epoch, of an ordinary one, and of start-up inside epochs."""

    seconds: Sequence[float]
    ordinary: float
    startup: float

    @classmethod
    def of(cls, rows: Sequence[EpochRow], starts: Collection[int], first_steps: float) -> _Epochs:
        """Divides the seconds of epochs.

        Args:
            rows: of all epochs.
            starts: epochs with which a process began; their excess over an ordinary epoch is start-up.
            first_steps: excess of those processes' first steps, if no epoch is without start-up.
        """
        seconds = [row.train_seconds for row in rows]
        others = [spent for epoch, spent in enumerate(seconds) if epoch not in starts]
        if not others:
            return cls(seconds, (sum(seconds) - first_steps) / len(seconds), first_steps)
        ordinary = median(others)
        return cls(seconds, ordinary, sum(max(0.0, seconds[epoch] - ordinary) for epoch in starts))


def _shared_fields(epochs: _Epochs, before: float, extraction: Extraction | None, views: int) -> dict[str, Any]:
    """Fields that frozen and fine-tuned runs share. The two totals differ by start-up alone.

    Args:
        epochs: their clock.
        before: start-up ahead of the first epoch, that of the extraction apart.
        extraction: of the training images in all views; None: no bank.
        views: of a training image.
    """
    banked = extraction.seconds if extraction else 0.0
    ahead = banked + before + (extraction.startup_seconds if extraction else 0.0)
    return {
        "epochs": len(epochs.seconds),
        "first_epoch_seconds": ahead + epochs.seconds[0],
        "epoch_seconds": epochs.ordinary,
        "uncached_epoch_seconds": epochs.ordinary + (banked / views if extraction else 0.0),
        "extraction_seconds": banked if extraction else None,
        "bank_shared": extraction.shared if extraction else None,
        "train_seconds_steady": banked + sum(epochs.seconds) - epochs.startup,
        "train_seconds_full": ahead + sum(epochs.seconds),
        "peak_memory_mib": peak_memory_mib(),
    }
