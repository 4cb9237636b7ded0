"""What a run whose network itself trained is charged."""

from __future__ import annotations

from statistics import median

from bench.result import Cost
from bench.training.checkpoint import Progressed
from bench.training.device import peak_memory_mib
from bench.training.predicting import Pace
from bench.training.profiling import forward_gflops
from bench.training.setting import Training


def tuned_cost(training: Training, progressed: Progressed, pace: Pace, image_px: int, eval_seconds: float) -> Cost:
    """Its clocks, those of earlier processes included.

    Args:
        training: that was carried out.
        progressed: all its epochs.
        pace: of predicting the validation split.
        image_px: side of the images.
        eval_seconds: of the last predictions, beyond those of the epochs.
    """
    rows = progressed.rows
    train = [row.train_seconds for row in rows]
    steady = median(train[1:]) if len(train) > 1 else train[0] - progressed.startup_seconds
    later = rows[1:] or rows
    return Cost(
        epochs=len(rows),
        first_epoch_seconds=train[0],
        epoch_seconds=steady,
        train_seconds_steady=steady * len(rows),
        train_seconds_full=sum(train),
        eval_seconds=sum(row.eval_seconds for row in rows) + eval_seconds,
        checkpoint_seconds=sum(row.checkpoint_seconds for row in rows),
        images_per_second=len(training.train) / steady,
        input_wait_share=sum(row.input_wait_seconds for row in later) / sum(row.train_seconds for row in later),
        inference_ms_per_image=pace.ms_per_image,
        inference_batch=pace.batch,
        parameters=int(training.network.model.count_params()),
        gflops_per_image=forward_gflops(training.network.model, image_px),
        peak_memory_mib=peak_memory_mib(),
    )
