"""What a person sees while runs are made, on standard error: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from bench.jobs.messages import Failed, Finished, Progress

QUIET_SECONDS = 30.0  # between two plain lines of one phase
OVER_IMAGES = ("features", "training")  # phases that count images, and are nearly all of a run's work


class Tally:
    """How far the whole command is, and how fast it goes."""

    def __init__(self, work: Mapping[str, float]) -> None:
        self._work = dict(work)  # run -> rough amount of work
        self._total = sum(work.values()) or 1.0
        self._began = time.monotonic()
        self._phase_began, self._phase_done = self._began, 0  # a run that goes on does not begin at 0
        self._current: Progress | None = None
        self.runs, self.over = len(work), 0

    def progress(self, event: Progress) -> bool:
        """Takes note; whether a new phase began."""
        before, self._current = self._current, event
        fresh = before is None or (before.run_id, before.phase) != (event.run_id, event.phase)
        if fresh:
            self._phase_began, self._phase_done = time.monotonic(), event.done
        return fresh

    def end(self, run_id: str) -> None:
        """A run is over, well or not."""
        self._work.pop(run_id, None)
        self.over += 1

    @property
    def fraction(self) -> float:
        """Of the work, from 0 to 1."""
        now = self._current
        left = sum(self._work.values())
        if now is not None and now.run_id in self._work:
            share = now.done / now.total if now.phase in OVER_IMAGES and now.total else 0.98 * (now.phase == "head")
            left -= share * self._work[now.run_id]
        return 1.0 - left / self._total

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before there is one."""
        elapsed, fraction = time.monotonic() - self._began, self.fraction
        return elapsed * (1.0 / fraction - 1.0) if self.runs and fraction > 0.02 else None

    @property
    def images_per_second(self) -> float | None:
        """Of the current pass over images."""
        now, seconds = self._current, time.monotonic() - self._phase_began
        if now is None or now.phase not in OVER_IMAGES or now.done <= self._phase_done or seconds <= 0:
            return None
        return (now.done - self._phase_done) / seconds

    def describe(self) -> str:
        """The current run, its phase, its speed and the time left."""
        now = self._current
        if now is None:
            return "starting"
        parts = [short_name(now.run_id)] if now.run_id else []
        parts.append(f"{now.phase} {now.done}/{now.total}" if now.total else now.phase)
        if self.images_per_second is not None:
            parts.append(f"{self.images_per_second:.1f} images/s")
        if self.seconds_left is not None:
            parts.append(f"{clock(self.seconds_left)} left")
        return " · ".join(parts)


class View:
    """What both displays have in common; by itself, silent."""

    def __init__(self, work: Mapping[str, float]) -> None:
        self.tally = Tally(work)

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def progress(self, event: Progress) -> None:
        """A child says where it is."""
        self.tally.progress(event)

    def finished(self, event: Finished) -> None:
        """A run is stored."""
        self.tally.end(event.run_id)
        self.say(f"{self._count()}{event.run_id}: macro F1 {event.macro_f1:.3f}, {event.seconds:.1f} s")

    def failed(self, event: Failed) -> None:
        """A run failed."""
        self.tally.end(event.run_id)
        self.say(f"{self._count()}{event.run_id}: failed ({event.kind}): {event.reason}")

    def say(self, line: str) -> None:
        """A line that stays."""

    def _count(self) -> str:
        return f"[{self.tally.over}/{self.tally.runs}] " if self.tally.runs else ""


class PlainView(View):
    """Lines: one a phase, another every half minute, one a run."""

    def __init__(self, work: Mapping[str, float], out: TextIO | None = None) -> None:
        super().__init__(work)
        self._out, self._last = out or sys.stderr, 0.0

    def progress(self, event: Progress) -> None:
        """A line where a phase begins, and now and then within it."""
        fresh, now = self.tally.progress(event), time.monotonic()
        if (fresh and event.total == 0) or now - self._last >= QUIET_SECONDS:
            self._last = now
            self.say(f"{self._count()}{self.tally.describe()}")

    def say(self, line: str) -> None:
        """Prints it."""
        print(line, file=self._out, flush=True)


class BarView(View):
    """A bar that stays in its line."""

    def __init__(self, work: Mapping[str, float], console: Console) -> None:
        super().__init__(work)
        columns = (BarColumn(bar_width=24), TextColumn("{task.fields[count]} runs"), TextColumn("{task.fields[now]}"))
        self._bar = Bar(*columns, console=console, transient=True)
        self._task: TaskID = self._bar.add_task("runs", total=1.0, count=f"0/{self.tally.runs}", now="starting")

    def __enter__(self) -> View:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def progress(self, event: Progress) -> None:
        """Moves the bar."""
        super().progress(event)
        count = f"{self.tally.over}/{self.tally.runs}"
        self._bar.update(self._task, completed=self.tally.fraction, count=count, now=self.tally.describe())

    def say(self, line: str) -> None:
        """Prints it above the bar."""
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


def make_view(work: Mapping[str, float]) -> View:
    """A bar where standard error is a terminal, lines elsewhere."""
    console = Console(stderr=True)
    return BarView(work, console) if console.is_terminal else PlainView(work)


def short_name(run_id: str) -> str:
    """A run's name without its hash."""
    return run_id.rsplit("-", 1)[0]


def clock(seconds: float) -> str:
    """`1:05` or `2:01:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Counter:
    """Use as a context; `at` says where the work is."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=console, transient=True) if console.is_terminal else None
        self._task = self._bar.add_task("starting", total=None) if self._bar else None
        self._phase, self._last = "", time.monotonic()

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def at(self, phase: str, done: int, total: int) -> None:
        """So many of so many are done."""
        if self._bar is not None and self._task is not None:
            if phase != self._phase:
                self._bar.reset(self._task, total=total, description=phase)
            self._bar.update(self._task, completed=done, total=total)
        elif time.monotonic() - self._last >= QUIET_SECONDS:
            self._last = time.monotonic()
            print(f"{phase} {done:,}/{total:,}", file=sys.stderr, flush=True)
        self._phase = phase
