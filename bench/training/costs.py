"""What a run whose network itself trained is charged."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.result import Cost
from bench.training.checkpoint import Progressed
from bench.training.device import peak_memory_mib
from bench.training.epochs import EpochRow
from bench.training.map_bank import Extraction
from bench.training.predicting import Pace
from bench.training.profiling import forward_gflops
from bench.training.setting import Training


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
