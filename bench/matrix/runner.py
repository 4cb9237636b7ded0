"""The parent of child processes: sends them jobs, and records finished and failed runs.

Commands that share a store share the work: each claims a job before it starts it, leaves jobs that another claimed to
it, and takes over their results.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from joblib import Parallel, delayed

import backbones
from bench.environment import is_chief, oom_kills, tf_config
from bench.errors import UserError
from bench.jobs.messages import Failed, FailureKind, Finished, Mistake, PlannedRun, Progress, TrainJob
from bench.jobs.process import Child, ending
from bench.jobs.progress import View
from bench.matrix.plan import job_name
from bench.store.claims import ClaimedError
from bench.store.result import Failure, identity_of
from bench.store.store import Attempts, Store, StoredRun

WAIT_SECONDS = 1.0  # between two looks at the jobs of other processes


class StoppedError(Exception):
    """`--fail-fast`: a run failed, and no other is started."""


@dataclass
class RunOutcome:
    """Runs that finished and runs that failed, in this process or in another one meanwhile."""

    finished: list[Finished] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    elsewhere: int = 0  # finished runs that another process trained


def run_jobs(
    jobs: Sequence[TrainJob],
    store: Store,
    view: View,
    before: Mapping[str, Attempts] | None = None,
    *,
    fail_fast: bool = False,
) -> RunOutcome:
    """Runs all jobs, each in a child process. Finished runs are stored, failures are recorded.

    Jobs that another process is at are left to it. At the end their results are waited for; jobs of a process that
    ended without a result are done here.

    Args:
        before: run_id -> attempts before the command; another attempt since then was made by another process.

    Raises:
        UserError: a mistake of the user that every run would meet; finished runs stay. Or TF_CONFIG has several
            workers, and another process is at their runs.
        KeyboardInterrupt: Ctrl-C; the child has ended, finished runs stay.
    """
    outcome = RunOutcome()
    # Threads: a job is a process already. joblib: its other backends send jobs to other machines.
    parallel = Parallel(n_jobs=1, backend="threading", return_as="generator_unordered")
    left = [JobRunner(job, store, view, outcome, fail_fast, before or {}) for job in jobs]
    told: set[str] = set()
    try:
        while left:
            for _ in parallel(delayed(runner.run)() for runner in left):
                pass
            waiting = [runner for runner in left if runner.pending]
            if len(waiting) == len(left):
                _wait(waiting, view, told)
            left = waiting
    except StoppedError:
        pass
    return outcome


def _wait(runners: Sequence[JobRunner], view: View, told: set[str]) -> None:
    """Waits a moment for the owners of jobs, each group of which is told once."""
    owners = ", ".join(sorted({runner.owner for runner in runners}))
    if owners not in told:
        told.add(owners)
        view.say(f"waiting for {sum(len(runner.pending) for runner in runners)} runs in work in {owners}")
    time.sleep(WAIT_SECONDS)


class JobRunner:
    """Runs one job: a child, and another one for the remaining runs after a child dies.

    Attributes:
        pending: its runs that neither finished nor failed.
        owner: the process that claimed the job, at the last attempt to run it.
    """

    def __init__(
        self,
        job: TrainJob,
        store: Store,
        view: View,
        outcome: RunOutcome,
        fail_fast: bool,
        before: Mapping[str, Attempts],
    ) -> None:
        self._job, self._store, self._view, self._outcome, self._fail_fast = job, store, view, outcome, fail_fast
        self._before, self.owner = before, ""
        self.pending = {run.run_id: run for run in job.runs}
        self._phase = ""
        self._began = time.perf_counter()
        self._oom_kills = oom_kills()

    def run(self) -> None:
        """Runs children until every run finished or failed; none while another process is at the job."""
        self._adopt()
        if not self.pending:
            return
        try:
            with self._claim() as held:
                self._adopt()
                self._run(held)
        except ClaimedError as error:
            self.owner = str(error)
            if tf_config() is not None:
                raise UserError(
                    f"{len(self.pending)} runs are in work in {error}, and the workers of TF_CONFIG keep step: they "
                    "leave out no run. Wait for it, or choose another store with --runs."
                ) from None

    @contextmanager
    def _claim(self) -> Iterator[Sequence[int]]:
        """Claims the job. Workers beside the chief train under the claim of their chief.

        Raises:
            ClaimedError: another process is at it.
        """
        if not is_chief():
            yield ()
            return
        with self._store.claim_runs(job_name(self._job.runs[0]), self._job.runs) as descriptor:
            yield (descriptor,)

    def _adopt(self, *, elsewhere: bool = True) -> None:
        """Takes over runs that finished or failed since the command began without an event of a child of ours.

        Workers of TF_CONFIG take over none, because all of them train the same runs.

        Args:
            elsewhere: whether another process trained them.
        """
        for run_id in list(self.pending) if tf_config() is None else ():
            before, now = self._before.get(run_id, Attempts()), self._store.attempts(run_id)
            if now.finished not in (None, before.finished):
                self._outcome.elsewhere += elsewhere
                self._finish(_finished(self._store.get(run_id)))
            elif now.failed not in (None, before.failed) and (failure := self._store.failure(run_id)):
                self._failed(Failed(**failure.model_dump(include=set(Failed.model_fields) - {"event"})))

    def _run(self, held: Sequence[int]) -> None:
        while self.pending:
            runs = tuple(self.pending.values())
            log = self._store.log(runs[0].run_id)
            log.unlink(missing_ok=True)
            with Child(self._job.model_copy(update={"runs": runs}), log, held) as child:
                self._follow(child)
                status = child.wait()
                left = len(self.pending)
                self._adopt(elsewhere=False)
                if left and len(self.pending) == left:  # else it died between storing a run and saying so
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
        del self.pending[event.run_id]
        self._began = time.perf_counter()
        self._outcome.finished.append(event)
        self._view.finished(event)

    def _blame(self, child: Child, status: int) -> None:
        """Fails the run at which the child died, and the others that needed the same features."""
        current = next(iter(self.pending.values()))
        out_of_memory = status == -signal.SIGKILL and oom_kills() > self._oom_kills
        self._oom_kills = oom_kills()
        if out_of_memory and self._halve_batch(current):
            return
        seconds = time.perf_counter() - self._began
        same = [run for run in self.pending.values() if run.config.image_px == current.config.image_px]
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
        run = self.pending[event.run_id]
        family = backbones.get(run.config.backbone).family
        failure = Failure(
            **identity_of(run.config, family),
            **event.model_dump(exclude={"event"}),
            log_tail=log_tail,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._store.record_failure(failure)
        self._failed(event)

    def _failed(self, event: Failed) -> None:
        del self.pending[event.run_id]
        self._began = time.perf_counter()
        self._outcome.failed.append(event)
        self._view.failed(event)
        if self._fail_fast:
            raise StoppedError


def _finished(stored: StoredRun) -> Finished:
    metrics, cost = stored.result.metrics, stored.result.cost
    return Finished(run_id=stored.run_id, macro_f1=metrics.macro_f1, seconds=cost.train_seconds_full or 0.0)
