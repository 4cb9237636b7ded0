"""The parent of child processes: sends them jobs, and records finished and failed runs."""

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
from bench.store.result import Failure, identity_of
from bench.store.store import Store


class StoppedError(Exception):
    """`--fail-fast`: a run failed, and no other is started."""


@dataclass
class RunOutcome:
    """Runs that finished and runs that failed."""

    finished: list[Finished] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


def run_jobs(jobs: Sequence[TrainJob], store: Store, view: View, *, fail_fast: bool = False) -> RunOutcome:
    """Runs all jobs, each in a child process. Finished runs are stored, failures are recorded.

    Raises:
        UserError: a mistake of the user that every run would meet; finished runs stay.
        KeyboardInterrupt: Ctrl-C; the child has ended, finished runs stay.
    """
    outcome = RunOutcome()
    # Threads: a job is a process already. joblib: its other backends send jobs to other machines.
    parallel = Parallel(n_jobs=1, backend="threading", return_as="generator_unordered")
    try:
        for _ in parallel(delayed(JobRunner(job, store, view, outcome, fail_fast).run)() for job in jobs):
            pass
    except StoppedError:
        pass
    return outcome


class JobRunner:
    """Runs one job: a child, and another one for the remaining runs after a child dies."""

    def __init__(self, job: TrainJob, store: Store, view: View, outcome: RunOutcome, fail_fast: bool) -> None:
        self._job, self._store, self._view, self._outcome, self._fail_fast = job, store, view, outcome, fail_fast
        self._pending = {run.run_id: run for run in job.runs}
        self._phase = ""
        self._began = time.perf_counter()
        self._oom_kills = oom_kills()

    def run(self) -> None:
        """Runs children until every run finished or failed."""
        while self._pending:
            runs = tuple(self._pending.values())
            log = self._store.log(runs[0].run_id)
            log.unlink(missing_ok=True)
            with Child(self._job.model_copy(update={"runs": runs}), log) as child:
                self._follow(child)
                status = child.wait()
                if self._pending:
                    self._blame(child, status)
            log.unlink(missing_ok=True)

    def _follow(self, child: Child) -> None:
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
        """Fails the run at which the child died, and the others that needed the same features."""
        current = next(iter(self._pending.values()))
        out_of_memory = status == -signal.SIGKILL and oom_kills() > self._oom_kills
        self._oom_kills = oom_kills()
        if out_of_memory and self._halve_batch(current):
            return
        seconds = time.perf_counter() - self._began
        same = [run for run in self._pending.values() if run.config.image_px == current.config.image_px]
        for run in same if self._phase != "head" else [current]:
            kind: FailureKind = "oom" if out_of_memory else "killed" if status < 0 else "error"
            reason = f"the child process ended while at '{self._phase or 'starting'}': {ending(status)}"
            if out_of_memory:
                reason += f"; {self._batch(run)} images of {run.config.image_px} px at once took too much memory"
            self._fail(Failed(run_id=run.run_id, kind=kind, reason=reason, seconds=seconds), child.log_tail())

    def _batch(self, run: PlannedRun) -> int:
        return self._job.at_once or run.config.recipe.batch_per_replica

    def _halve_batch(self, run: PlannedRun) -> bool:
        """Halves the images at once, if possible; the run is then trained anew, or from an epoch of that batch."""
        batch = self._batch(run)
        if self._job.on_oom == "fail" or run.config.recipe.is_banked or batch < 2:
            return False
        self._job = self._job.model_copy(update={"at_once": batch // 2})
        self._view.say(f"{run.run_id}: out of memory with {batch} images at once; again with {batch // 2}")
        return True

    def _fail(self, event: Failed, log_tail: str) -> None:
        run = self._pending.pop(event.run_id)
        self._began = time.perf_counter()
        family = backbones.get(run.config.backbone).family
        failure = Failure(
            **identity_of(run.config, family),
            **event.model_dump(exclude={"event"}),
            log_tail=log_tail,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._store.record_failure(failure)
        self._outcome.failed.append(event)
        self._view.failed(event)
        if self._fail_fast:
            raise StoppedError
