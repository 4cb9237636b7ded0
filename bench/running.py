"""What `bench run` does: resolve, skip what is finished, prepare the data, run the rest, rebuild the report."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import backbones
from bench import matrix, runner, weights
from bench.config import Recipe, load_recipe
from bench.data.catalog import SAMPLE, DataSource, find
from bench.data.index import DataIndex, load_cached
from bench.data.sample import is_made
from bench.environment import code_revision, home
from bench.errors import UserError
from bench.jobs import PlannedRun, PrepareJob
from bench.progress import make_view
from bench.publishing import publish
from bench.store import Store


@dataclass(frozen=True)
class Request:
    """The command line of `bench run`."""

    words: tuple[str, ...]
    everything: bool
    data: str
    recipe: str
    px: str | None
    seeds: int
    weights: str | None
    runs: Path
    reports: Path
    force: bool
    retry_failed: bool
    fail_fast: bool
    dry_run: bool
    as_json: bool


@dataclass(frozen=True)
class Plan:
    """All runs that were asked for, and what becomes of each."""

    source: DataSource
    index: DataIndex
    weights: Mapping[str, str | Path]
    runs: Sequence[PlannedRun]
    todo: Sequence[PlannedRun]
    finished: Sequence[str]  # skipped: they are in the store
    failed: Sequence[str]  # skipped: they failed before


def carry_out(request: Request) -> int:
    """Does it. Returns the exit status: 0, or 1 where a run failed, now or before.

    Raises:
        UserError: a mistake in what was asked or given.
    """
    recipe = load_recipe(request.recipe)
    choices = matrix.choose(request.words, request.everything)
    chosen_weights = _weights(request, choices)
    store = Store(request.runs)
    if request.dry_run:
        return _dry_run(request, recipe, choices, chosen_weights, store)
    store.check_writable()
    plan = _plan(request, recipe, choices, chosen_weights, store)
    outcome = _run(request, plan, store)
    if plan.todo or not (request.reports / "summary.md").is_file():
        publish(store, plan.source.name, request.reports)
    _tell(request, plan, outcome)
    return 1 if outcome.failed or plan.failed else 0


def _weights(request: Request, choices: Sequence[matrix.Choice]) -> dict[str, str | Path]:
    policy = request.weights or ("auto" if request.data == SAMPLE else "imagenet")
    chosen = {
        name: weights.resolve(policy, backbones.get(name))
        for name in dict.fromkeys(choice.backbone for choice in choices)
    }
    files = [name for name, found in chosen.items() if isinstance(found, Path)]
    if len(files) > 1:
        raise UserError(f"--weights '{policy}' is one network's file; {len(files)} were asked for: {', '.join(files)}.")
    _warn_of_random(chosen, policy)
    return chosen


def _warn_of_random(chosen: Mapping[str, str | Path], policy: str) -> None:
    drawn = [name for name, found in chosen.items() if found == "random" and backbones.get(name).weights_file]
    if policy == "auto" and drawn:
        print(
            f"WARNING: no ImageNet weights for {', '.join(drawn)}: not cached and not to be downloaded. "
            "They start from RANDOM weights, and their scores say nothing about pretrained ones. "
            "`--weights imagenet` says where to put the files.",
            file=sys.stderr,
        )


def _plan(
    request: Request, recipe: Recipe, choices: Sequence[matrix.Choice], chosen: Mapping[str, str | Path], store: Store
) -> Plan:
    source = _source(request, store)
    resolutions = matrix.parse_resolutions(request.px) if request.px else matrix.usual_resolutions(source)
    if not request.px and resolutions != matrix.USUAL_PX:
        print(f"'{source.name}' is there at {', '.join(map(str, resolutions))} px.", file=sys.stderr)
    pairs = matrix.pairs(choices, resolutions, source)
    index = _index(request, source, sorted({px for _, px in pairs}), store)
    runs = matrix.plan(pairs, recipe, request.seeds, chosen, source.name, index.fingerprints)
    return _divided(request, Plan(source, index, chosen, runs, (), (), ()), store)


def _divided(request: Request, plan: Plan, store: Store) -> Plan:
    """Sorts the runs into those to do, those that are finished, and those that failed before."""
    ids = [run.run_id for run in plan.runs]
    finished = [] if request.force else [run_id for run_id in ids if store.is_finished(run_id)]
    again = request.force or request.retry_failed
    failed = [] if again else [i for i in ids if i not in finished and store.failure_path(i).is_file()]
    todo = [run for run in plan.runs if run.run_id not in {*finished, *failed}]
    return Plan(plan.source, plan.index, plan.weights, plan.runs, todo, finished, failed)


def _source(request: Request, store: Store) -> DataSource:
    """The data set; the sample is drawn first where it is not there yet."""
    if request.data == SAMPLE and not is_made():
        _prepare(request, matrix.USUAL_PX, store)
    return find(request.data)


def _index(request: Request, source: DataSource, resolutions: Sequence[int], store: Store) -> DataIndex:
    index = load_cached(source, resolutions)
    if index is None:
        _prepare(request, resolutions, store)
        index = load_cached(source, resolutions)
    if index is None:
        raise UserError(
            f"The index of '{source.name}' cannot be kept in '{home()}'. Set PETALBENCH_HOME to a writable folder."
        )
    return index


def _prepare(request: Request, resolutions: Sequence[int], store: Store) -> None:
    with make_view({}) as view:
        runner.prepare(PrepareJob(data=request.data, resolutions=tuple(resolutions)), store, view)


def _run(request: Request, plan: Plan, store: Store) -> runner.Outcome:
    images = sum(len(split.ids) for split in plan.index.splits.values())
    jobs = matrix.jobs(plan.todo, plan.weights, request.data, store.root.resolve(), code_revision())
    if not jobs:
        return runner.Outcome()
    with make_view({run.run_id: matrix.work(run, images) for run in plan.todo}) as view:
        return runner.run_jobs(jobs, store, view, fail_fast=request.fail_fast)


def _dry_run(
    request: Request, recipe: Recipe, choices: Sequence[matrix.Choice], chosen: Mapping[str, str | Path], store: Store
) -> int:
    """Shows the plan. The data set is looked at, not made and not read."""
    if request.data == SAMPLE and not is_made():
        resolutions = matrix.parse_resolutions(request.px) if request.px else matrix.USUAL_PX
        rows = [{"run": f"{name}-{px}", "state": "to run"} for name, px in matrix.pairs(choices, resolutions, None)]
    else:
        source = find(request.data)
        resolutions = matrix.parse_resolutions(request.px) if request.px else matrix.usual_resolutions(source)
        pairs = matrix.pairs(choices, resolutions, source)
        prints = {px: source.fingerprint(px) for _, px in pairs}
        runs = matrix.plan(pairs, recipe, request.seeds, chosen, source.name, prints)
        rows = [{"run": run.run_id, "state": _state(run.run_id, request, store)} for run in runs]
    print(
        json.dumps(rows, indent=1) if request.as_json else "\n".join(f"{row['state']:<14} {row['run']}" for row in rows)
    )
    return 0


def _state(run_id: str, request: Request, store: Store) -> str:
    if store.is_finished(run_id):
        return "run again" if request.force else "finished"
    if store.failure_path(run_id).is_file() and not (request.force or request.retry_failed):
        return "failed before"
    return "to run"


def _tell(request: Request, plan: Plan, outcome: runner.Outcome) -> None:
    """What became of it: one line for people, or JSON."""
    summary = request.reports / "summary.md"
    if request.as_json:
        content = {
            "finished": [event.run_id for event in outcome.finished],
            "skipped": list(plan.finished),
            "failed": [{"run_id": e.run_id, "kind": e.kind, "reason": e.reason} for e in outcome.failed],
            "failed_before": list(plan.failed),
            "report": str(summary),
        }
        print(json.dumps(content, indent=1))
        return
    parts = [f"{len(outcome.finished)} run", f"{len(plan.finished)} already there"]
    if outcome.failed or plan.failed:
        parts.append(f"{len(outcome.failed)} failed")
    if plan.failed:
        parts.append(f"{len(plan.failed)} failed before (--retry-failed tries again)")
    print(f"{len(plan.runs)} runs: {', '.join(parts)}. Report: {summary}")
