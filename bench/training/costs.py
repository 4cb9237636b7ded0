"""Costs of trained runs, from the clocks of extraction, epochs and predictions (METHODOLOGY.md)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.config.run import RunConfig
from bench.store.result import Cost
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
    timings = [
        banks.timing(split, view) for split in config.train_on.split("+") for view in VIEWS[: config.recipe.views]
    ]
    extraction = Extraction(sum(timing.seconds for timing in timings), banks.shared)
    startup = sum(timing.startup_seconds for timing in timings) + trainer.startup_seconds
    train = [row.train_seconds for row in history]
    val = banks.timing("val")
    return Cost(
        **_shared_fields([startup + train[0], *train[1:]], median(train[1:] or train), extraction, config.recipe.views),
        eval_seconds=val.seconds + sum(row.eval_seconds for row in history),
        inference_ms_per_image=val.ms_per_image,
        inference_batch=val.batch,
        parameters=val.backbone_parameters + trainer.parameters,
        gflops_per_image=val.gflops_per_image,
    )


def tuned_cost(
    training: Training, progressed: Progressed, pace: Pace, extraction: Extraction | None, eval_seconds: float
) -> Cost:
    """Cost of a fine-tuned run, earlier processes included.

    Args:
        training: the network and the images it trained on.
        progressed: all its epochs.
        pace: of predicting the validation split.
        extraction: of the maps it trained on, charged in full even if another run made them; None: trained on pictures.
        eval_seconds: of the last predictions, beyond those of the epochs.
    """
    rows = progressed.rows
    later = rows[1:] or rows  # the first epoch waits for the pipeline to fill
    train = [row.train_seconds for row in rows]
    steady = median(train[1:]) if len(train) > 1 else train[0] - progressed.startup_seconds
    return Cost(
        **_shared_fields(train, steady, extraction, training.recipe.views),
        eval_seconds=sum(row.eval_seconds for row in rows) + eval_seconds,
        checkpoint_seconds=sum(row.checkpoint_seconds for row in rows),
        images_per_second=len(training.train) / steady,
        input_wait_share=sum(row.input_wait_seconds for row in later) / sum(row.train_seconds for row in later),
        inference_ms_per_image=pace.ms_per_image,
        inference_batch=pace.batch,
        parameters=int(training.network.model.count_params()),
        gflops_per_image=forward_gflops(training.network.model, pace.image_px),
    )


def _shared_fields(train: Sequence[float], steady: float, extraction: Extraction | None, views: int) -> dict[str, Any]:
    """Fields that frozen and fine-tuned runs share.

    Args:
        train: seconds of each epoch, start-up in the first.
        steady: seconds of an epoch without start-up.
        extraction: of the training images in all views; None: no bank.
        views: of a training image.
    """
    banked = extraction.seconds if extraction else 0.0
    return {
        "epochs": len(train),
        "first_epoch_seconds": banked + train[0],
        "epoch_seconds": steady,
        "uncached_epoch_seconds": banked / views + steady if extraction else None,
        "extraction_seconds": banked if extraction else None,
        "bank_shared": extraction.shared if extraction else None,
        "train_seconds_steady": banked + steady * len(train),
        "train_seconds_full": banked + sum(train),
        "peak_memory_mib": peak_memory_mib(),
    }
