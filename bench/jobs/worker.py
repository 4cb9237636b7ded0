"""The child process: one job from standard input, events to the former standard output, printed text to the log.

Run as `python -m bench.jobs.worker LOG`. Standard input stays open as long as the parent lives: at its end the child
ends, so that no child outlives its parent.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from bench.config.base import Frozen
from bench.errors import UserError
from bench.jobs.messages import JOB, Done, Emit, Mistake

ORPHANED = 3  # exit status of a child whose parent vanished
# Kind of a job -> MODULE:FUNCTION. Names, so that a child imports only the modules of its job.
HANDLERS = {
    "prepare": "bench.data.scan:handle",
    "shards": "bench.data.imports.spool:handle",
    "download": "bench.data.public.kaggle:handle",
    "public": "bench.data.public.tfds:handle",
    "look": "bench.data.remote.copies:handle",
    "audit": "bench.data.audit.audit:handle",
    "show": "bench.data.examples:handle",
    "train": "bench.training.job:handle",
    "predict": "bench.predictions.predict.classifier:handle",
}


def main() -> None:
    """Runs the job of standard input."""
    events = _divert_output(Path(sys.argv[1]))
    emit = _emitter(events)
    job = JOB.validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        handler(job.kind)(job, emit, Path(sys.argv[1]))
        emit(Done())
    except UserError as error:
        emit(Mistake(message=str(error)))
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def handler(kind: str) -> Callable[[Any, Emit, Path], None]:
    """The function that runs jobs of this kind: `(job, emit, log) -> None`."""
    module, _, function = HANDLERS[kind].partition(":")
    found: Callable[[Any, Emit, Path], None] = getattr(import_module(module), function)
    return found


def _divert_output(log: Path) -> IO[bytes]:
    """Keeps standard output for events; printed text, that of C++ included, goes to the log."""
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
