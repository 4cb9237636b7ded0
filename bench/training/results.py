"""What every kind of training says of itself in the same way: whose rows these are, and why it failed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.data.index import DataIndex
from bench.store.result import Cost
from bench.store.store import Images
from bench.training.device import forward_gflops, peak_memory_mib
from bench.training.features.map_bank import Extraction
from bench.training.loop.checkpoint import Progressed
from bench.training.loop.history import EpochRow
from bench.training.loop.prediction import Pace
from bench.training.loop.steps import Training


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


def tuned_cost(
    training: Training, progressed: Progressed, pace: Pace, extraction: Extraction | None, eval_seconds: float
) -> Cost:
    """Its clocks, those of earlier processes included.

    Args:
        training: that was carried out.
        progressed: all its epochs.
        pace: of predicting the validation split.
        extraction: of the maps it trained on, charged in full whoever made them; None: it trained on pictures.
        eval_seconds: of the last predictions, beyond those of the epochs.
    """
    rows = progressed.rows
    train = [row.train_seconds for row in rows]
    steady = median(train[1:]) if len(train) > 1 else train[0] - progressed.startup_seconds
    banked = extraction.seconds if extraction else 0.0
    return Cost(
        epochs=len(rows),
        first_epoch_seconds=banked + train[0],
        epoch_seconds=steady,
        uncached_epoch_seconds=banked / training.recipe.views + steady if extraction else None,
        extraction_seconds=banked if extraction else None,
        bank_shared=extraction.shared if extraction else None,
        train_seconds_steady=banked + steady * len(rows),
        train_seconds_full=banked + sum(train),
        eval_seconds=sum(row.eval_seconds for row in rows) + eval_seconds,
        checkpoint_seconds=sum(row.checkpoint_seconds for row in rows),
        images_per_second=len(training.train) / steady,
        input_wait_share=_wait_share(rows),
        inference_ms_per_image=pace.ms_per_image,
        inference_batch=pace.batch,
        parameters=int(training.network.model.count_params()),
        gflops_per_image=forward_gflops(training.network.model, pace.image_px),
        peak_memory_mib=peak_memory_mib(),
    )


def _wait_share(rows: Sequence[EpochRow]) -> float:
    """Of the epochs after the first, which waits for the pipeline to fill; of that one where it is alone."""
    later = rows[1:] or rows
    return sum(row.input_wait_seconds for row in later) / sum(row.train_seconds for row in later)
