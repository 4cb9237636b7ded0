"""The parent: hands jobs to child processes and turns whatever happens into finished runs or recorded failures."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from joblib import Parallel, delayed

import backbones
from bench.environment import oom_kills
from bench.errors import UserError
from bench.jobs.messages import Failed, FailureKind, Finished, Mistake, PlannedRun, Progress, TrainJob
from bench.jobs.process import Child, ending
from bench.jobs.progress import View
from bench.store.result import Failure
from bench.store.store import Store


class StoppedError(Exception):
    """`--fail-fast`: a run failed, so the others are not begun."""


@dataclass
class RunOutcome:
    """What became of the runs that were begun."""

    finished: list[Finished] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


def run_jobs(jobs: Sequence[TrainJob], store: Store, view: View, *, fail_fast: bool = False) -> RunOutcome:
    """Does all jobs, each in a child of its own. Whatever finishes is stored, whatever fails is recorded.

    Raises:
        UserError: something that the user can mend and that every run would meet; what was finished stays.
        KeyboardInterrupt: Ctrl-C; the child has ended, what was finished stays.
    """
    outcome = RunOutcome()
    # Threads: a job is a process of its own already. joblib: its other backends carry jobs to other machines.
    carry = Parallel(n_jobs=1, backend="threading", return_as="generator_unordered")
    try:
        for _ in carry(delayed(JobRunner(job, store, view, outcome, fail_fast).run)() for job in jobs):
            pass
    except StoppedError:
        pass
    return outcome


class JobRunner:
    """One job: a child, and another one for the rest of its runs whenever a child dies."""

    def __init__(self, job: TrainJob, store: Store, view: View, outcome: RunOutcome, fail_fast: bool) -> None:
        self._job, self._store, self._view, self._outcome, self._fail_fast = job, store, view, outcome, fail_fast
        self._pending = {run.run_id: run for run in job.runs}
        self._phase = ""
        self._began = time.perf_counter()
        self._oom_kills = oom_kills()

    def run(self) -> None:
        """Until no run is left that was neither finished nor failed."""
        while self._pending:
            runs = tuple(self._pending.values())
            log = self._store.log(runs[0].run_id)
            log.unlink(missing_ok=True)
            with Child(self._job.model_copy(update={"runs": runs}), log) as child:
                self._hear(child)
                status = child.wait()
                if self._pending:
                    self._blame(child, status)
            log.unlink(missing_ok=True)

    def _hear(self, child: Child) -> None:
        self._began = time.perf_counter()
        for event in child.events():
            if isinstance(event, Mistake):
                raise UserError(event.message)
            if isinstance(event, Progress):
                self._phase = event.phase
                self._view.progress(event)
            elif isinstance(event, Finished):
                self._finish(event)
            elif isinstance(event, Failed):
                self._fail(event, child.log_tail())

    def _finish(self, event: Finished) -> None:
        del self._pending[event.run_id]
        self._began = time.perf_counter()
        self._outcome.finished.append(event)
        self._view.finished(event)

    def _blame(self, child: Child, status: int) -> None:
        """The child died: so did the run it was at, and with it the others that needed the same features."""
        current = next(iter(self._pending.values()))
        out_of_memory = status == -signal.SIGKILL and oom_kills() > self._oom_kills
        self._oom_kills = oom_kills()
        if out_of_memory and self._takes_less(current):
            return
        seconds = time.perf_counter() - self._began
        same = [run for run in self._pending.values() if run.config.image_px == current.config.image_px]
        for run in same if self._phase != "head" else [current]:
            kind: FailureKind = "oom" if out_of_memory else "killed" if status < 0 else "error"
            reason = f"the child process ended while at '{self._phase or 'starting'}': {ending(status)}"
            if out_of_memory:
                reason += f"; {self._at_once(run)} images of {run.config.image_px} px at once took too much memory"
            self._fail(Failed(run_id=run.run_id, kind=kind, reason=reason, seconds=seconds), child.log_tail())

    def _at_once(self, run: PlannedRun) -> int:
        return self._job.at_once or run.config.recipe.batch_per_replica

    def _takes_less(self, run: PlannedRun) -> bool:
        """Whether the run is to be tried again with fewer images at once, from its last complete epoch."""
        half = self._at_once(run) // 2
        if self._job.on_oom == "fail" or run.config.recipe.is_banked or half < 1:
            return False
        self._job = self._job.model_copy(update={"at_once": half})
        self._view.say(f"{run.run_id}: out of memory with {2 * half} images at once; again with {half}")
        return True

    def _fail(self, event: Failed, log_tail: str) -> None:
        run = self._pending.pop(event.run_id)
        self._began = time.perf_counter()
        self._store.record_failure(_failure(run, event, log_tail))
        self._outcome.failed.append(event)
        self._view.failed(event)
        if self._fail_fast:
            raise StoppedError


def _failure(run: PlannedRun, event: Failed, log_tail: str) -> Failure:
    config = run.config
    return Failure(
        run_id=run.run_id,
        data=config.data,
        backbone=config.backbone,
        family=backbones.get(config.backbone).family,
        image_px=config.image_px,
        recipe=config.recipe.name,
        lr_scale=config.lr_scale,
        seed=config.seed,
        weights=config.weights,
        kind=event.kind,
        reason=event.reason,
        seconds=event.seconds,
        log_tail=log_tail,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
    )
