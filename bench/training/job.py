"""Handler for training jobs: the backbone's plugin first, then frozen or fine-tuned runs."""

from __future__ import annotations

from pathlib import Path

from bench.jobs.messages import Emit, Failed, TrainJob
from bench.plugins import missing_reason


def handle(job: TrainJob, emit: Emit, log: Path) -> None:
    """Trains the runs of a job. A run whose backbone cannot be loaded fails, and the child goes on.

    Raises:
        UserError: a mistake of the user that concerns every run of the job.
    """
    reason = missing_reason(job.backbone, job.runs[0].config.plugin, job.plugin)
    if reason:
        for run in job.runs:
            emit(Failed(run_id=run.run_id, kind="error", reason=reason, seconds=0.0))
        return
    from bench.training.finetune import run_finetuned
    from bench.training.frozen import run_frozen
    from bench.training.tensorboard import check_tensorboard

    if job.tensorboard:
        check_tensorboard()
    train = run_frozen if job.runs[0].config.recipe.is_banked else run_finetuned
    train(job, emit, log)
