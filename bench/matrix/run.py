"""The matrix of one command: plans the runs, skips finished ones, trains the others in child processes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from bench import plugins
from bench.data.index import DataIndex, checked_index
from bench.environment import code_revision, is_chief
from bench.jobs.messages import PlannedRun, TrainJob
from bench.jobs.progress import View
from bench.matrix.plan import MatrixPlan, ParsedRequest, grouped, make_plan, work
from bench.matrix.request import RunRequest
from bench.matrix.runner import RunOutcome, run_jobs
from bench.matrix.selection import broad_patterns
from bench.store.store import Store


@dataclass(frozen=True)
class MatrixRun:
    """A plan and its outcome; a dry run has no outcome."""

    plan: MatrixPlan
    failed_plugins: int  # of those given with --plugin
    outcome: RunOutcome = field(default_factory=RunOutcome)

    @property
    def status(self) -> int:
        """The exit status: 1 if a run failed, now or before, or a plugin of the command failed."""
        failed_runs = not self.plan.asked.request.dry_run and (self.outcome.failed or self.plan.states.failed)
        return int(bool(failed_runs or self.failed_plugins))


def run_matrix(request: RunRequest) -> MatrixRun:
    """Plans the matrix and trains the runs that are not finished.

    Raises:
        UserError: a mistake in the request, the data set or the weights.
    """
    failed_plugins = plugins.use(request.plugins)
    asked, store = ParsedRequest.of(request), Store(request.runs)
    for line in broad_patterns(request.words):
        print(line, file=sys.stderr)
    if not request.dry_run:
        store.check_writable()
    plan = make_plan(asked, store)
    if request.dry_run:
        return MatrixRun(plan, failed_plugins)
    with View({}) as view, store.preparation_log() as log:
        index = checked_index(request.data, plan.source, plan.resolutions, log, view.progress)
    if plan.source is None:  # the sample, drawn now: its runs have names
        plan = make_plan(asked, store)
    return MatrixRun(plan, failed_plugins, _train(plan, index, store))


def _train(plan: MatrixPlan, index: DataIndex, store: Store) -> RunOutcome:
    # Only the chief makes banks and trains heads: they use one device.
    todo = [run for run in plan.states.todo if is_chief() or not run.config.recipe.is_banked]
    if not todo:
        return RunOutcome()
    images = sum(len(split.ids) for split in index.splits.values())
    jobs = [_job(plan, runs, store) for runs in grouped(todo)]
    with View({run.run_id: work(run, images) for run in todo}) as view:
        return run_jobs(jobs, store, view, plan.states.attempts, fail_fast=plan.asked.request.fail_fast)


def _job(plan: MatrixPlan, runs: tuple[PlannedRun, ...], store: Store) -> TrainJob:
    request, backbone = plan.asked.request, runs[0].config.backbone
    return TrainJob(
        data=request.data,
        resolutions=plan.resolutions,
        backbone=backbone,
        plugin=plugins.file_of(backbone),
        weights=str(plan.weights[backbone]),
        store=str(store.root.resolve()),
        code_revision=code_revision(),
        runs=runs,
        keep_weights=request.keep_weights,
        tensorboard=request.tensorboard,
        on_oom=request.on_oom,
        bank_gib=request.bank_gib,
        worker_timeout_seconds=request.worker_timeout_seconds,
    )
