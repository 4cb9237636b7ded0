"""From a command line to named runs, and what becomes of each: to do, finished already, failed before."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import backbones
from bench import matrix, runner, weights
from bench.choosing_backbones import Choice, choose
from bench.choosing_recipe import choose_recipe
from bench.config import Recipe
from bench.data.catalog import SAMPLE, DataSource, find
from bench.data.index import DataIndex, load_cached
from bench.data.sample import is_made
from bench.environment import home
from bench.errors import UserError
from bench.finding import find_data
from bench.jobs import DEFAULT_BANK_GIB, DEFAULT_WORKER_TIMEOUT_SECONDS, OnOom, PlannedRun, PrepareJob
from bench.progress import make_view
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
    prices: Path | None
    force: bool
    retry_failed: bool
    fail_fast: bool
    dry_run: bool
    as_json: bool
    settings: tuple[str, ...] = ()  # FIELD=VALUE over the recipe
    options: matrix.Options = field(default_factory=matrix.Options)
    keep_weights: bool = False
    tensorboard: bool = False
    on_oom: OnOom = "fail"
    bank_gib: float = DEFAULT_BANK_GIB
    worker_timeout_seconds: float = DEFAULT_WORKER_TIMEOUT_SECONDS
    plugins: tuple[Path, ...] = ()  # files that register backbones


@dataclass(frozen=True)
class Asked:
    """The request, read: everything that is known before the data set is looked at."""

    request: Request
    recipe: Recipe
    choices: Sequence[Choice]
    resolutions: tuple[int, ...] | None  # None: those of the data set

    @classmethod
    def read(cls, request: Request) -> Asked:
        """Checks the words.

        Raises:
            UserError: an unknown recipe or backbone, or a bad resolution.
        """
        recipe, choices = choose_recipe(request.recipe, request.settings), choose(request.words, request.everything)
        request.options.check(recipe)
        return cls(request, recipe, choices, matrix.parse_resolutions(request.px) if request.px else None)

    def pairs(self, source: DataSource) -> list[tuple[str, int]]:
        """Backbone and resolution of every run."""
        return matrix.pairs(self.choices, self.resolutions or matrix.usual_resolutions(source), source)

    def pairs_of_usual(self) -> list[tuple[str, int]]:
        """The same where the data set is the sample, and not made yet."""
        return matrix.pairs(self.choices, self.resolutions or matrix.USUAL_PX, None)


@dataclass(frozen=True)
class Sorted:
    """Runs by what becomes of them."""

    todo: Sequence[PlannedRun]
    finished: Sequence[PlannedRun]  # skipped: they are in the store
    failed: Sequence[PlannedRun]  # skipped: they failed before

    @classmethod
    def of(cls, runs: Sequence[PlannedRun], request: Request, store: Store) -> Sorted:
        """Looks into the store."""
        finished = [] if request.force else [run for run in runs if store.is_finished(run.run_id)]
        rest = [run for run in runs if run not in finished]
        again = request.force or request.retry_failed
        failed = [] if again else [run for run in rest if store.failure_path(run.run_id).is_file()]
        return cls([run for run in rest if run not in failed], finished, failed)


@dataclass(frozen=True)
class Plan:
    """What a command will do."""

    source: DataSource
    index: DataIndex
    weights: Mapping[str, str | Path]
    runs: Sorted


def make_plan(asked: Asked, store: Store) -> Plan:
    """Finds the data set, or draws the sample; checks it, unless that was done before; names the runs.

    Raises:
        UserError: whatever is wrong with the data or the weights.
    """
    request = asked.request
    to_draw = request.data == SAMPLE and not is_made()
    pairs = asked.pairs_of_usual() if to_draw else asked.pairs(find_data(request.data))
    chosen = choose_weights(asked)
    if to_draw:
        _prepare(request.data, pairs, store)
    source = find(request.data)
    tell_of_made(source, pairs)
    index = _index(request.data, source, pairs, store)
    runs = matrix.plan(pairs, asked.recipe, request.seeds, chosen, source.name, index.fingerprints, request.options)
    plan = Plan(source, index, chosen, Sorted.of(runs, request, store))
    warn_of_random(plan.runs.todo, request)
    return plan


def choose_weights(asked: Asked) -> dict[str, str | Path]:
    """The weights of every backbone, by the policy: `auto` for the sample, `imagenet` for other data, unless given.

    Raises:
        UserError: weights that cannot be had, or one file for several backbones.
    """
    request = asked.request
    policy = weights_policy(request)
    names = dict.fromkeys(choice.backbone for choice in asked.choices)
    chosen = {name: weights.resolve(policy, backbones.get(name)) for name in names}
    files = [name for name, found in chosen.items() if isinstance(found, Path)]
    if len(files) > 1 and policy not in weights.POLICIES and not Path(policy).expanduser().is_dir():
        raise UserError(f"--weights '{policy}' is one network's file; {len(files)} were asked for: {', '.join(files)}.")
    return chosen


def weights_policy(request: Request) -> str:
    """What `--weights` says, or stands for where it is not given."""
    return request.weights or ("auto" if request.data == SAMPLE else "imagenet")


def warn_of_random(todo: Sequence[PlannedRun], request: Request) -> None:
    """Says which backbones fall back to random weights, of those that are still to run."""
    names = dict.fromkeys(run.config.backbone for run in todo if run.config.weights == "random")
    missed = [name for name in names if backbones.get(name).weights_file]
    if missed and weights_policy(request) == "auto":
        print(
            f"WARNING: no ImageNet weights for {', '.join(missed)}: not cached and not to be downloaded. "
            "They start from RANDOM weights, and their scores say nothing about pretrained ones. "
            "`--weights imagenet` says where to put the files.",
            file=sys.stderr,
        )


def tell_of_made(source: DataSource, pairs: Sequence[tuple[str, int]]) -> None:
    """Says which resolutions are not there, and what they are made from."""
    for px in sorted({px for _, px in pairs}):
        side = source.source_px(px)
        if side is not None:
            print(
                f"'{source.name}' has no pictures of {px} px: they are made from those of {side} px as they are read.",
                file=sys.stderr,
            )


def _index(data: str, source: DataSource, pairs: Sequence[tuple[str, int]], store: Store) -> DataIndex:
    resolutions = sorted({px for _, px in pairs})
    index = load_cached(source, resolutions)
    if index is None:
        _prepare(data, pairs, store)
        index = load_cached(source, resolutions)
    if index is None:
        raise UserError(f"The index of '{source.name}' cannot be kept in '{home()}'. Set PETALBENCH_HOME elsewhere.")
    return index


def _prepare(data: str, pairs: Sequence[tuple[str, int]], store: Store) -> None:
    resolutions = tuple(sorted({px for _, px in pairs}))
    with make_view({}) as view:
        runner.prepare(PrepareJob(data=data, resolutions=resolutions), store, view)
