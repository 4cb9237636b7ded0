"""The first child: makes the built-in data set where it is asked for, and checks every record before training."""

from __future__ import annotations

from collections.abc import Callable

from bench.config import Frozen
from bench.jobs import PrepareJob, Progress


def prepare(job: PrepareJob, emit: Callable[[Frozen], None]) -> None:
    """Leaves a checked, cached index of the data set.

    Raises:
        UserError: whatever is wrong with the data, in one line.
    """
    if job.data == "sample":
        from bench.data.sample import ensure_sample

        emit(Progress(run_id="", phase="drawing the sample"))
        ensure_sample()
    from bench.data.copying import PHASE, opened
    from bench.data.scan import scan

    source = opened(
        job.data,
        job.resolutions,
        lambda done, of: emit(Progress(run_id="", phase=PHASE, done=done, total=of)),
    )
    emit(Progress(run_id="", phase="checking the data"))
    scan(source, job.resolutions)
