"""What `bench run` does: plan, skip what is finished, run the rest, rebuild the report, say what became of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from bench import matrix, plugging, runner
from bench.choosing_backbones import spread
from bench.data.catalog import SAMPLE
from bench.data.sample import is_made
from bench.environment import code_revision, is_chief
from bench.finding import find_data
from bench.jobs import PlannedRun, TrainJob
from bench.planning import Asked, Plan, Request, Sorted, choose_weights, make_plan, tell_of_made, warn_of_random
from bench.prices import load_prices
from bench.progress import make_view
from bench.publishing import publish
from bench.store import Store


def carry_out(request: Request) -> int:
    """Does it. Returns the exit status: 0, or 1 where a run failed, now or before, or a plugin that was given.

    Raises:
        UserError: a mistake in what was asked or given.
    """
    failed_plugins = plugging.use(request.plugins)
    asked, store, prices = Asked.read(request), Store(request.runs), load_prices(request.prices)
    for line in spread(request.words):
        print(line, file=sys.stderr)
    if request.dry_run:
        _show_plan(_foreseen(asked, store), request.as_json)
        return 1 if failed_plugins else 0
    store.check_writable()
    plan = make_plan(asked, store)
    outcome = _run(request, plan, store)
    if is_chief() and (plan.runs.todo or not (request.reports / "summary.md").is_file()):
        publish(store, plan.source.name, request.reports, prices)
    _tell(request, plan.runs, outcome)
    return 1 if outcome.failed or plan.runs.failed or failed_plugins else 0


def _run(request: Request, plan: Plan, store: Store) -> runner.Outcome:
    # A bank and its heads are the work of one device: the chief's.
    todo = [run for run in plan.runs.todo if is_chief() or not run.config.recipe.is_banked]
    if not todo:
        return runner.Outcome()
    images = sum(len(split.ids) for split in plan.index.splits.values())
    jobs = [_job(request, plan, runs, store) for runs in matrix.grouped(todo)]
    with make_view({run.run_id: matrix.work(run, images) for run in todo}) as view:
        return runner.run_jobs(jobs, store, view, fail_fast=request.fail_fast)


def _job(request: Request, plan: Plan, runs: tuple[PlannedRun, ...], store: Store) -> TrainJob:
    backbone = runs[0].config.backbone
    return TrainJob(
        data=request.data,
        resolutions=tuple(sorted(plan.index.fingerprints)),
        backbone=backbone,
        plugin=plugging.file_of(backbone),
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


def _foreseen(asked: Asked, store: Store) -> list[tuple[str, str]]:
    """State and name of every run. The data set is looked at, not made and not read."""
    if asked.request.data == SAMPLE and not is_made():  # a run's name needs the data: these have none yet
        return [("to run", f"{name}-{px}-{asked.recipe.name}") for name, px in asked.pairs_of_usual()]
    source = find_data(asked.request.data)
    pairs = asked.pairs(source)
    tell_of_made(source, pairs)
    prints = {px: source.fingerprint(px) for _, px in pairs}
    request = asked.request
    runs = matrix.plan(pairs, asked.recipe, request.seeds, choose_weights(asked), source.name, prints, request.options)
    by_state = Sorted.of(runs, asked.request, store)
    warn_of_random(by_state.todo, request)
    states = {run.run_id: "finished" for run in by_state.finished} | {run.run_id: "failed" for run in by_state.failed}
    return [(states.get(run.run_id, "to run"), run.run_id) for run in runs]


def _show_plan(rows: Sequence[tuple[str, str]], as_json: bool) -> None:
    if as_json:
        print(json.dumps([{"state": state, "run": name} for state, name in rows], indent=1))
    else:
        print("\n".join(f"{state:<10}{name}" for state, name in rows))


def _tell(request: Request, runs: Sorted, outcome: runner.Outcome) -> None:
    """What became of it: one line for people, or JSON."""
    summary = request.reports / "summary.md"
    if request.as_json:
        content = {
            "finished": [event.run_id for event in outcome.finished],
            "skipped": [run.run_id for run in runs.finished],
            "failed": [{"run_id": e.run_id, "kind": e.kind, "reason": e.reason} for e in outcome.failed],
            "failed_before": [run.run_id for run in runs.failed],
            "report": str(summary),
        }
        print(json.dumps(content, indent=1))
        return
    parts = [f"{len(outcome.finished)} done", f"{len(runs.finished)} there already"]
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} FAILED")
    if runs.failed:
        parts.append(f"{len(runs.failed)} failed before (--retry-failed tries again)")
    print(f"{len(runs.todo) + len(runs.finished) + len(runs.failed)} runs: {', '.join(parts)}. Report: {summary}")
