"""The parent's side of a child process: start it, hear it, and see that it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from bench.environment import child_environment
from bench.jobs import EVENT, Answer, AnyJob, Done, Failed, Finished, Mistake, Progress

Heard = Progress | Finished | Failed | Answer | Mistake | Done
GRACE_SECONDS = 5.0
WORKER = ("-m", "bench.worker")


class Child:
    """`python -m bench.worker` with one job. Leaving the context ends the process, whatever it is doing."""

    def __init__(self, job: AnyJob, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        # A session of its own: Ctrl-C in the terminal reaches the parent alone, which then ends the child in order.
        self._process = subprocess.Popen(
            [sys.executable, *WORKER, str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
            start_new_session=True,
        )
        self._send(job)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def events(self) -> Iterator[Heard]:
        """What the child says, until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                yield EVENT.validate_json(line)
            except ValidationError:  # a line cut short by the child's death
                continue

    def wait(self) -> int:
        """Its exit status once it has ended: negative, the signal that killed it."""
        return self._process.wait()

    def stop(self) -> None:
        """Closes its standard input, which tells it to end, and kills it if it does not."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines it printed."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _send(self, job: AnyJob) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(job.model_dump_json().encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died at once; its exit status says so
