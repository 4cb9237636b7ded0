"""From what was asked on the command line to named runs, and from runs to jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import inf
from pathlib import Path
from typing import Any

import backbones
from backbones.registry import UnknownBackboneError
from bench.config import Precision, Recipe, RunConfig, Strategy, TrainOn
from bench.data.catalog import DataSource, check_resolution
from bench.errors import UserError, unknown
from bench.files import sha256
from bench.jobs import PlannedRun

USUAL_PX = (224, 512)
TEST_ONLY = frozenset({"tiny"})  # never matched by a pattern, always by name
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


@dataclass(frozen=True)
class Choice:
    """A backbone at a resolution; `image_px` None: at those of the whole command."""

    backbone: str
    image_px: int | None


def choose(words: Sequence[str], everything: bool) -> list[Choice]:
    """The backbones that `--all` and words like `vgg16`, `vgg16@512`, `*net*@224` ask for, each once, cheapest first.

    Raises:
        UserError: nothing was asked for, an unknown name, a pattern that matches nothing, or a bad resolution.
    """
    if not words and not everything:
        raise UserError(
            f"What to run? Give --all or one or more of: {', '.join(backbones.names())} (NAME@PX for one resolution)."
        )
    chosen = [Choice(name, None) for name in backbones.MATRIX] if everything else []
    for word in words:
        chosen += _matching(word)
    return sorted(dict.fromkeys(chosen), key=lambda choice: backbones.get(choice.backbone).gflops_224)


def _matching(word: str) -> list[Choice]:
    pattern, at, px = word.rpartition("@") if "@" in word else (word, "", "")
    if at and not px.isdecimal():
        raise UserError(f"'{word}': expected a resolution in pixels after @, as in vgg16@512.")
    image_px = int(px) if at else None
    if ":" in pattern:
        return [Choice(_made(pattern), image_px)]
    if pattern in backbones.names():
        return [Choice(pattern, image_px)]
    matching = [name for name in backbones.names() if fnmatchcase(name, pattern) and name not in TEST_ONLY]
    if not matching:
        raise unknown("backbone", pattern, backbones.names())
    return [Choice(name, image_px) for name in matching]


def _made(name: str) -> str:
    """The whole name of a backbone that is made from its name, such as `hub:PRESET`."""
    try:
        return backbones.get(name).name
    except UnknownBackboneError as error:
        raise UserError(str(error)) from None


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
    """224 and 512 as far as the data set has them, else all it has."""
    return tuple(px for px in USUAL_PX if px in source.resolutions) or source.resolutions


def pairs(choices: Iterable[Choice], resolutions: Sequence[int], source: DataSource | None) -> list[tuple[str, int]]:
    """Backbone and resolution of every run, each once.

    Raises:
        UserError: the data set does not have that resolution, or it is too small for the backbone.
    """
    found = [
        (choice.backbone, px) for choice in choices for px in ([choice.image_px] if choice.image_px else resolutions)
    ]
    for backbone, px in found:
        if source is not None:
            check_resolution(source, px)
        smallest = backbones.get(backbone).smallest_px
        if px < smallest:
            raise UserError(f"{backbone} needs images of at least {smallest} px; {px} is too small.")
    return list(dict.fromkeys(found))


def weights_name(weights: str | Path) -> str:
    """How a run's configuration names its weights: a file by its name and the start of its digest."""
    return weights if isinstance(weights, str) else f"{weights.name}@{sha256(weights)[:8]}"


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
    names = {backbone: weights_name(chosen) for backbone, chosen in weights.items()}
    configs = [
        RunConfig(
            data=data,
            backbone=backbone,
            image_px=px,
            recipe=recipe,
            weights=names[backbone],
            seed=seed,
            lr_scale=scale,
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
    per_image = backbones.get(run.config.backbone).gflops_224 + WORK_BESIDE_CONVOLUTIONS
    recipe = run.config.recipe
    passes = 1 if recipe.is_banked else FORWARD_AND_BACKWARD * recipe.epochs
    return per_image * (run.config.image_px / 224) ** 2 * images * passes + WORK_OF_STARTING
