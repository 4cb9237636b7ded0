"""Child processes in the parent: start one, receive its events, end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from bench.environment import child_environment
from bench.errors import UserError
from bench.jobs.messages import EVENT, Answer, AnyJob, Event, Mistake, Progress
from bench.jobs.progress import Counter

GRACE_SECONDS = 5.0
WORKER = ("-m", "bench.jobs.worker")


class Child:
    """`python -m bench.jobs.worker` with one job. Leaving the context ends the process."""

    def __init__(self, job: AnyJob, log: Path, held: Sequence[int] = ()) -> None:
        """`held`: descriptors of locks, which stay locked until parent and child have both ended."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        # A new session: Ctrl-C in the terminal reaches only the parent, which then ends the child in order.
        self._process = subprocess.Popen(
            [sys.executable, *WORKER, str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
            start_new_session=True,
            pass_fds=held if os.name == "posix" else (),
        )
        self._send(job)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def events(self) -> Iterator[Event]:
        """The events of the child, until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                yield EVENT.validate_json(line)
            except ValidationError:  # cut short by the death of the child
                continue

    def wait(self) -> int:
        """Waits for the child to end. Returns its exit status; negative: the signal that killed it."""
        return self._process.wait()

    def stop(self) -> None:
        """Closes the child's standard input, which makes it end; kills it after `GRACE_SECONDS`."""
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
        """The last lines of the log."""
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
            pass  # the child died at once; its exit status says why


def ending(status: int) -> str:
    """An exit status as text."""
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"


def ask(job: AnyJob, log: Path, on_event: Callable[[Event], object], subject: str = "A child process") -> None:
    """Runs a job in a child and passes on its events. The log is kept only if the child died.

    Args:
        job: the job.
        log: the file that receives the output of the child.
        on_event: called with every event.
        subject: subject of the error if the child dies, as in `Checking the data set failed (exit status 1)`.

    Raises:
        UserError: a mistake of the user, or the child died.
    """
    log.unlink(missing_ok=True)
    with Child(job, log) as child:
        for event in child.events():
            if isinstance(event, Mistake):
                raise UserError(event.message)
            on_event(event)
        status = child.wait()
    if status != 0:
        raise UserError(f"{subject} failed ({ending(status)}). The log is '{log}'.")
    log.unlink(missing_ok=True)


def ask_counting(job: AnyJob, log: Path) -> list[Answer]:
    """Runs a job in a child behind a progress counter. Returns its answers.

    Raises:
        UserError: see `ask`.
    """
    answers: list[Answer] = []
    with Counter() as counter:

        def show(event: Event) -> None:
            if isinstance(event, Progress):
                counter.at(event.phase, event.done, event.total)
            elif isinstance(event, Answer):
                answers.append(event)

        ask(job, log, show)
    return answers
