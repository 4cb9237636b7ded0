"""From what was asked on the command line to named runs, and from runs to jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import backbones
from bench import plugging
from bench.choosing_backbones import Choice
from bench.config import Precision, Recipe, RunConfig, Strategy, TrainOn
from bench.data.catalog import DataSource
from bench.errors import UserError
from bench.files import sha256
from bench.jobs import PlannedRun

USUAL_PX = (224, 512)
WORK_OF_STARTING = 700.0  # GFLOPs that two cores do while a network is built, traced and compiled
FORWARD_AND_BACKWARD = 3.0  # work of a training step, in forward passes
WORK_BESIDE_CONVOLUTIONS = 1.2  # GFLOPs at 224 px: small networks wait for memory, not for arithmetic


@dataclass(frozen=True)
class Options:
    """What every run of a command shares beside its recipe, and the rates at which the matrix is repeated."""

    lr_scales: tuple[float, ...] = (1.0,)
    precision: Precision = "float32"
    xla: bool = False
    deterministic: bool = False
    strategy: Strategy = "auto"
    train_on: TrainOn = "train"

    def shared(self) -> dict[str, Any]:
        """Fields of every RunConfig."""
        return {name: getattr(self, name) for name in ("precision", "xla", "deterministic", "strategy", "train_on")}

    def check(self, recipe: Recipe) -> None:
        """Frozen runs train a head on saved features, by one plain step.

        Raises:
            UserError: an option that such a run would not heed.
        """
        if not recipe.is_banked:
            return
        unheeded = [
            f"--{name.replace('_', '-')}"
            for name, value in self.shared().items()
            if value not in (getattr(Options(), name), "default") and name != "train_on"
        ]
        if unheeded:
            raise UserError(
                f"Recipe '{recipe.name}' trains on saved features, where {', '.join(unheeded)} is not supported. "
                'Leave it out, or train part of the network (trainable = "all" or "from:STAGE").'
            )


def parse_scales(text: str) -> tuple[float, ...]:
    """`0.3,1,3` as numbers.

    Raises:
        UserError: something else.
    """
    try:
        scales = tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError:
        scales = (0.0,)
    if not all(0 < scale < inf for scale in scales):
        raise UserError(f"--lr-scale '{text}': expected factors above 0, as in 0.3,1,3.")
    return scales


def parse_resolutions(text: str) -> tuple[int, ...]:
    """`224,512` as numbers.

    Raises:
        UserError: something else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UserError(f"--px '{text}': expected resolutions in pixels, as in 224 or 224,512.")
    return tuple(dict.fromkeys(int(part) for part in parts))


def usual_resolutions(source: DataSource) -> tuple[int, ...]:
    """224 and 512 as far as the data set has them, else as far as they can be made, else all it has."""
    there = tuple(px for px in USUAL_PX if px in source.resolutions)
    makeable = tuple(px for px in USUAL_PX if px <= source.resolutions[-1])
    return there or makeable or source.resolutions


def pairs(choices: Iterable[Choice], resolutions: Sequence[int], source: DataSource | None) -> list[tuple[str, int]]:
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


def plan(
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
            plugin=plugging.label(backbone),
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
