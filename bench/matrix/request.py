"""The request behind `run`, as the command line states it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.config.recipe import Recipe
from bench.config.run import Precision, Strategy, TrainOn
from bench.errors import UserError
from bench.jobs.messages import DEFAULT_BANK_GIB, DEFAULT_WORKER_TIMEOUT_SECONDS, OnOom


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


@dataclass(frozen=True)
class RunRequest:
    """The command line of `bench run`."""

    words: tuple[str, ...]
    everything: bool
    data: str
    recipe: str
    px: str | None
    seeds: int
    weights: str | None
    runs: Path
    force: bool
    retry_failed: bool
    fail_fast: bool
    dry_run: bool
    settings: tuple[str, ...] = ()  # FIELD=VALUE over the recipe
    options: Options = field(default_factory=Options)
    keep_weights: bool = False
    tensorboard: bool = False
    on_oom: OnOom = "fail"
    bank_gib: float = DEFAULT_BANK_GIB
    worker_timeout_seconds: float = DEFAULT_WORKER_TIMEOUT_SECONDS
    plugins: tuple[Path, ...] = ()  # files that register backbones
