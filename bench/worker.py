"""The child process: one job from standard input, events to what was standard output, everything printed to the log.

Run as `python -m bench.worker LOG`. Standard input stays open as long as the parent lives, so its end means that the
parent is gone, however it went, and the child ends itself: nothing is trained for nobody.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bench.config import Frozen
from bench.errors import UserError
from bench.jobs import JOB, AnyJob, Done, Failed, Mistake, PredictJob, PrepareJob, TrainJob

ORPHANED = 3  # exit status of a child whose parent vanished
Emit = Callable[[Frozen], None]


def main() -> None:
    """Does the job that standard input holds."""
    events = _divert_output(Path(sys.argv[1]))
    emit = _emitter(events)
    job = JOB.validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _do(job, emit, Path(sys.argv[1]))
        emit(Done())
    except UserError as error:
        emit(Mistake(message=str(error)))
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _do(job: AnyJob, emit: Emit, log: Path) -> None:
    if isinstance(job, PrepareJob):
        from bench.prepare import prepare

        prepare(job, emit)
    elif isinstance(job, PredictJob):
        from bench.plugging import use_again
        from bench.training.classifier import classify

        use_again(job.plugins)
        classify(job, emit)
    elif isinstance(job, TrainJob):
        _train(job, emit, log)
    else:
        from bench.answering import answer

        answer(job, emit)


def _train(job: TrainJob, emit: Emit, log: Path) -> None:
    from bench.plugging import lack

    reason = lack(job)
    if reason:
        for run in job.runs:
            emit(Failed(run_id=run.run_id, kind="error", reason=reason, seconds=0.0))
    elif not job.runs[0].config.recipe.is_banked:
        from bench.training.finetune import run_finetuned

        run_finetuned(job, emit, log)
    else:
        from bench.training.frozen import run_frozen

        run_frozen(job, emit, log)


def _divert_output(log: Path) -> IO[bytes]:
    """Keeps standard output for events alone; whatever anybody prints, C++ included, goes to the log."""
    events = os.fdopen(os.dup(1), "wb")
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    return events


def _emitter(events: IO[bytes]) -> Emit:
    def emit(event: Frozen) -> None:
        events.write(event.model_dump_json().encode() + b"\n")
        events.flush()

    return emit


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
