"""The plan of a matrix: from a request to named runs, and from runs to jobs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import backbones
from bench import plugins
from bench.config.overrides import choose_recipe, parse_resolutions
from bench.config.recipe import Recipe
from bench.config.run import RunConfig
from bench.data.index import find_made
from bench.data.source import SAMPLE, USUAL_PX, DataSource
from bench.errors import UserError
from bench.files import sha256
from bench.jobs.messages import PlannedRun
from bench.matrix import weights
from bench.matrix.request import Options, RunRequest
from bench.matrix.selection import BackboneChoice, choose
from bench.store.store import Store

WORK_OF_STARTING = 700.0  # GFLOPs that two cores do while a network is built, traced and compiled
FORWARD_AND_BACKWARD = 3.0  # work of a training step, in forward passes
WORK_BESIDE_CONVOLUTIONS = 1.2  # GFLOPs at 224 px: small networks wait for memory, not for arithmetic


def usual_resolutions(source: DataSource | None) -> tuple[int, ...]:
    """224 and 512 as far as the data set has them, else as far as they can be made, else all it has."""
    if source is None:
        return USUAL_PX
    there = tuple(px for px in USUAL_PX if px in source.resolutions)
    makeable = tuple(px for px in USUAL_PX if px <= source.resolutions[-1])
    return there or makeable or source.resolutions


def cells(
    choices: Iterable[BackboneChoice], resolutions: Sequence[int], source: DataSource | None
) -> list[tuple[str, int]]:
    """Backbone and resolution of every run, each once.

    Raises:
        UserError: the data set has nothing as large, or the backbone does not take it.
    """
    found = [
        (choice.backbone, px)
        for choice in choices
        for px in (resolutions if choice.image_px is None else [choice.image_px])
    ]
    for backbone, px in found:
        _check_side(backbones.get(backbone), px)
        if source is not None:
            source.stored_px(px)
    return list(dict.fromkeys(found))


def _check_side(adapter: backbones.Backbone, px: int) -> None:
    nearest = adapter.nearest_px(px)
    if nearest != px:
        raise UserError(
            f"{adapter.name} takes images of {adapter.sides}, not of {px} px: "
            f"ask for {adapter.name}@{nearest}, or give --px {nearest}."
        )


def weights_name(weights: str | Path, adapter: backbones.Backbone) -> str:
    """How a run's configuration names its weights: a file by its name and the start of its digest.

    A file that has the published hash is `imagenet`, wherever it lies: the same weights are the same question.
    """
    if isinstance(weights, str):
        return weights
    published = adapter.weights_file
    if published and published.digest and published.is_at(weights):
        return "imagenet"
    return f"{weights.name}@{sha256(weights)[:8]}"


def planned_runs(
    wanted: Sequence[tuple[str, int]],
    recipe: Recipe,
    seeds: int,
    weights: Mapping[str, str | Path],
    data: str,
    fingerprints: Mapping[int, str],
    options: Options,
) -> list[PlannedRun]:
    """All runs of the matrix, named."""
    names = {backbone: weights_name(chosen, backbones.get(backbone)) for backbone, chosen in weights.items()}
    configs = [
        RunConfig(
            data=data,
            backbone=backbone,
            image_px=px,
            recipe=recipe,
            weights=names[backbone],
            seed=seed,
            lr_scale=scale,
            plugin=plugins.label(backbone),
            **options.shared(),
        )
        for backbone, px in wanted
        for scale in options.lr_scales
        for seed in range(seeds)
    ]
    return [PlannedRun(run_id=config.run_id(fingerprints[config.image_px]), config=config) for config in configs]


def grouped(runs: Sequence[PlannedRun]) -> list[tuple[PlannedRun, ...]]:
    """Runs whose heads share a frozen backbone form a job, smallest resolution first; any other run is a job alone.

    Peak memory only grows, and each run shall have its own.
    """
    jobs: dict[str, list[PlannedRun]] = {}
    for run in runs:
        jobs.setdefault(_job_key(run), []).append(run)
    return [tuple(sorted(job, key=lambda run: (run.config.image_px, run.config.seed))) for job in jobs.values()]


def _job_key(run: PlannedRun) -> str:
    if not run.config.recipe.is_banked:
        return run.run_id
    return run.config.model_dump_json(exclude={"recipe", "seed", "lr_scale", "image_px"})


def work(run: PlannedRun, images: int) -> float:
    """A rough amount of work, for the time left: GFLOPs of one forward pass over all images, and what comes with it."""
    recipe, px = run.config.recipe, run.config.image_px
    per_image = backbones.get(run.config.backbone).gflops_at(px) + WORK_BESIDE_CONVOLUTIONS * (px / 224) ** 2
    passes = 1 if recipe.is_banked else FORWARD_AND_BACKWARD * recipe.epochs
    return per_image * images * passes + WORK_OF_STARTING


@dataclass(frozen=True)
class ParsedRequest:
    """The request, checked as far as possible without the data set."""

    request: RunRequest
    recipe: Recipe
    choices: Sequence[BackboneChoice]
    resolutions: tuple[int, ...] | None  # None: those of the data set

    @classmethod
    def of(cls, request: RunRequest) -> ParsedRequest:
        """Parses recipe, backbones and resolutions.

        Raises:
            UserError: an unknown recipe or backbone, or a bad resolution.
        """
        recipe, choices = choose_recipe(request.recipe, request.settings), choose(request.words, request.everything)
        request.options.check(recipe)
        return cls(request, recipe, choices, parse_resolutions(request.px) if request.px else None)

    def cells(self, source: DataSource | None) -> list[tuple[str, int]]:
        """Backbone and resolution of every run, each once. `source` None: the sample, not drawn yet."""
        return cells(self.choices, self.resolutions or usual_resolutions(source), source)


@dataclass(frozen=True)
class RunStates:
    """Runs by state."""

    todo: Sequence[PlannedRun]
    finished: Sequence[PlannedRun]  # skipped: in the store
    failed: Sequence[PlannedRun]  # skipped: failed before

    @classmethod
    def of(cls, runs: Sequence[PlannedRun], request: RunRequest, store: Store) -> RunStates:
        """Sorts runs by their state in the store."""
        finished = [] if request.force else [run for run in runs if store.is_finished(run.run_id)]
        rest = [run for run in runs if run not in finished]
        again = request.force or request.retry_failed
        failed = [] if again else [run for run in rest if store.failure_path(run.run_id).is_file()]
        return cls([run for run in rest if run not in failed], finished, failed)

    def of_run(self, run: PlannedRun) -> str:
        """`finished`, `failed` or `to run`."""
        return "finished" if run in self.finished else "failed" if run in self.failed else "to run"


@dataclass(frozen=True)
class MatrixPlan:
    """Runs of a request.

    Attributes:
        asked: the request.
        source: files of the data set; None: the sample, not drawn yet, so that its runs have no names.
        cells: backbone and resolution of every run.
        weights: backbone -> `imagenet`, `random` or the path of a file.
        runs: in the order of the matrix.
        states: the same by state.
    """

    asked: ParsedRequest
    source: DataSource | None
    cells: Sequence[tuple[str, int]]
    weights: Mapping[str, str | Path]
    runs: Sequence[PlannedRun] = ()
    states: RunStates = field(default_factory=lambda: RunStates((), (), ()))

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides of all runs in pixels, ascending."""
        return tuple(sorted({px for _, px in self.cells}))

    def rows(self) -> list[tuple[str, str]]:
        """State and name of every run; without names, backbone, resolution and recipe."""
        if self.source is None:
            return [("to run", f"{name}-{px}-{self.asked.recipe.name}") for name, px in self.cells]
        return [(self.states.of_run(run), run.run_id) for run in self.runs]


def make_plan(asked: ParsedRequest, store: Store) -> MatrixPlan:
    """Finds the data set, resolves weights and names the runs. Reads no picture and trains nothing.

    Raises:
        UserError: the data set or weights are not available, or a resolution cannot be made.
    """
    request, source = asked.request, find_made(asked.request.data)
    plan = MatrixPlan(asked, source, asked.cells(source), choose_weights(asked))
    if source is None:
        return plan
    report_made_resolutions(source, plan.resolutions)
    fingerprints = {px: source.fingerprint(px) for px in plan.resolutions}
    runs = planned_runs(
        plan.cells, asked.recipe, request.seeds, plan.weights, source.name, fingerprints, request.options
    )
    states = RunStates.of(runs, request, store)
    warn_of_random(states.todo, request)
    return replace(plan, runs=runs, states=states)


def choose_weights(asked: ParsedRequest) -> dict[str, str | Path]:
    """The weights of every backbone by the policy: `auto` for the sample, `imagenet` for other data, unless given.

    Raises:
        UserError: weights that are not available, or one file for several backbones.
    """
    policy = weights_policy(asked.request)
    names = dict.fromkeys(choice.backbone for choice in asked.choices)
    chosen = {name: weights.resolve(policy, backbones.get(name)) for name in names}
    files = [name for name, found in chosen.items() if isinstance(found, Path)]
    if len(files) > 1 and policy not in weights.POLICIES and not Path(policy).expanduser().is_dir():
        raise UserError(f"--weights '{policy}' is one network's file; {len(files)} were asked for: {', '.join(files)}.")
    return chosen


def weights_policy(request: RunRequest) -> str:
    """The policy of `--weights`, or its default."""
    return request.weights or ("auto" if request.data == SAMPLE else "imagenet")


def warn_of_random(todo: Sequence[PlannedRun], request: RunRequest) -> None:
    """Warns of backbones that fall back to random weights, among the runs that are left to do."""
    names = dict.fromkeys(run.config.backbone for run in todo if run.config.weights == "random")
    missed = [name for name in names if backbones.get(name).weights_file]
    if missed and weights_policy(request) == "auto":
        print(
            f"WARNING: no ImageNet weights for {', '.join(missed)}: not cached and not to be downloaded. "
            "They start from RANDOM weights, and their scores say nothing about pretrained ones. "
            "`--weights imagenet` says where to put the files.",
            file=sys.stderr,
        )


def report_made_resolutions(source: DataSource, resolutions: Sequence[int]) -> None:
    """Prints which resolutions are made from larger pictures."""
    for px in resolutions:
        side = source.source_px(px)
        if side is not None:
            print(
                f"'{source.name}' has no pictures of {px} px: they are made from those of {side} px as they are read.",
                file=sys.stderr,
            )
