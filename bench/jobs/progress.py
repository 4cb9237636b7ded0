"""The progress of runs and counts on standard error: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import inf
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from bench.jobs.messages import Failed, Finished, Progress

QUIET_SECONDS = 30.0  # between two plain lines of one phase
OVER_IMAGES = ("features", "training")  # phases that count images, and take nearly all of the time of a run


class Tally:
    """Progress and speed of a command."""

    def __init__(self, work: Mapping[str, float]) -> None:
        self._work = dict(work)  # run -> rough amount of work
        self._total = sum(work.values()) or 1.0
        self._began = time.monotonic()
        self._phase_began, self._phase_done = self._began, 0  # a continued run does not begin at 0
        self._current: Progress | None = None
        self.runs, self.over = len(work), 0

    def progress(self, event: Progress) -> bool:
        """Records the event. Returns whether a new phase began."""
        before, self._current = self._current, event
        fresh = before is None or (before.run_id, before.phase) != (event.run_id, event.phase)
        if fresh:
            self._phase_began, self._phase_done = time.monotonic(), event.done
        return fresh

    def end(self, run_id: str) -> None:
        """Records that a run finished or failed."""
        self._work.pop(run_id, None)
        self.over += 1

    @property
    def fraction(self) -> float:
        """Share of the work that is done, from 0 to 1."""
        now = self._current
        left = sum(self._work.values())
        if now is not None and now.run_id in self._work:
            share = now.done / now.total if now.phase in OVER_IMAGES and now.total else 0.98 * (now.phase == "head")
            left -= share * self._work[now.run_id]
        return 1.0 - left / self._total

    @property
    def seconds_left(self) -> float | None:
        """Seconds left at the speed so far; None: unknown yet."""
        elapsed, fraction = time.monotonic() - self._began, self.fraction
        return elapsed * (1.0 / fraction - 1.0) if self.runs and fraction > 0.02 else None

    @property
    def images_per_second(self) -> float | None:
        """Speed of the current pass over images; None: no such pass, or unknown yet."""
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


class Display:
    """A bar on a terminal, plain lines anywhere else. Use as a context."""

    def __init__(self, console: Console, *columns: ProgressColumn, **fields: Any) -> None:
        """`columns` of the bar, and the first values of their `fields`."""
        self._console = console
        self._bar = Bar(*columns, console=console, transient=True)
        self._task = self._bar.add_task("starting", total=None, **fields)
        self._last_line = -inf  # time of the last plain line

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def update(self, line: str, completed: float, total: float, *, fresh: bool = False, **fields: Any) -> None:
        """Moves the bar; without one, prints `line` if the last one is old, or if `fresh`."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=completed, total=total, **fields)
        elif fresh or time.monotonic() - self._last_line >= QUIET_SECONDS:
            self._last_line = time.monotonic()
            self.say(line)

    def say(self, line: str) -> None:
        """Prints a line that stays, above the bar if there is one."""
        if self._console.is_terminal:
            self._console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=self._console.file, flush=True)


class View(Display):
    """The progress of runs. Use as a context."""

    def __init__(self, work: Mapping[str, float], console: Console | None = None) -> None:
        """`work`: run -> rough amount of work. `console`: by default standard error."""
        self.tally = Tally(work)
        columns = (BarColumn(bar_width=24), TextColumn("{task.fields[count]} runs"), TextColumn("{task.fields[now]}"))
        super().__init__(console or Console(stderr=True), *columns, count=f"0/{len(work)}", now="starting")

    def progress(self, event: Progress) -> None:
        """Shows the progress of a child."""
        fresh, now = self.tally.progress(event), self.tally.describe()
        count = f"{self.tally.over}/{self.tally.runs}"
        line = f"{self._count()}{now}"
        self.update(line, self.tally.fraction, 1.0, fresh=fresh and event.total == 0, count=count, now=now)

    def finished(self, event: Finished) -> None:
        """Shows that a run is stored."""
        self.tally.end(event.run_id)
        self.say(f"{self._count()}{event.run_id}: macro F1 {event.macro_f1:.3f}, {event.seconds:.1f} s")

    def failed(self, event: Failed) -> None:
        """Shows that a run failed."""
        self.tally.end(event.run_id)
        self.say(f"{self._count()}{event.run_id}: failed ({event.kind}): {event.reason}")

    def _count(self) -> str:
        return f"[{self.tally.over}/{self.tally.runs}] " if self.tally.runs else ""


class Counter(Display):
    """The progress of a count. Use as a context; `at` reports the count."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        super().__init__(Console(stderr=True), *columns)
        self._last_line = time.monotonic()  # the first half minute needs no line
        self._phase = ""

    def at(self, phase: str, done: int, total: int) -> None:
        """Shows `done` of `total` of a phase."""
        if phase != self._phase:
            self._bar.reset(self._task)  # begins a new estimate of the time left
        self._phase = phase
        self.update(f"{phase} {done:,}/{total:,}", done, total, description=phase)


def short_name(run_id: str) -> str:
    """A run's name without its hash."""
    return run_id.rsplit("-", 1)[0]


def clock(seconds: float) -> str:
    """`1:05` or `2:01:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
