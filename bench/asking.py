"""One question to a child process, outside of any run: it answers, or says in one line why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.child import Child, Heard
from bench.counting import Counter
from bench.errors import UserError
from bench.jobs import Answer, AnyJob, Mistake, Progress
from bench.runner import ending


def ask(job: AnyJob, log: Path, hear: Callable[[Heard], object]) -> None:
    """Does a job in a child and passes on what it says. The log stays only where it died.

    Raises:
        UserError: something that the user can mend, or the child died.
    """
    log.unlink(missing_ok=True)
    with Child(job, log) as child:
        for event in child.events():
            if isinstance(event, Mistake):
                raise UserError(event.message)
            hear(event)
        status = child.wait()
    if status != 0:
        raise UserError(f"A child process failed ({ending(status)}). The log is '{log}'.")
    log.unlink(missing_ok=True)


def ask_counting(job: AnyJob, log: Path) -> list[Answer]:
    """The same, with a counter of how far the child is. What it answered.

    Raises:
        UserError: as `ask`.
    """
    answers: list[Answer] = []
    with Counter() as counter:

        def hear(event: object) -> None:
            if isinstance(event, Progress):
                counter.at(event.phase, event.done, event.total)
            elif isinstance(event, Answer):
                answers.append(event)

        ask(job, log, hear)
    return answers
