"""The request of `bench run`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.config.recipe import Recipe
from bench.config.run import Precision, Strategy, TrainOn
from bench.data.source import SAMPLE
from bench.errors import UserError
from bench.jobs.messages import DEFAULT_BANK_GIB, DEFAULT_WORKER_TIMEOUT_SECONDS, OnOom


@dataclass(frozen=True)
class Options:
    """Settings that all runs of a command share beside the recipe, and the rates at which the matrix is repeated."""

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
        """Refuses options that a recipe of saved features ignores: it trains a head by one plain step.

        Raises:
            UserError: such an option is set.
        """
        if not recipe.is_banked:
            return
        ignored = [
            f"--{name.replace('_', '-')}"
            for name, value in self.shared().items()
            if value not in (getattr(Options(), name), "default") and name != "train_on"
        ]
        if ignored:
            raise UserError(
                f"Recipe '{recipe.name}' trains on saved features, where {', '.join(ignored)} is not supported. "
                'Leave it out, or train part of the network (trainable = "all" or "from:STAGE").'
            )


@dataclass(frozen=True)
class RunRequest:
    """The arguments of `bench run`."""

    words: tuple[str, ...] = ()  # backbones, families and patterns
    everything: bool = False  # --all
    data: str = SAMPLE
    recipe: str = "frozen"
    px: str | None = None
    seeds: int = 1
    weights: str | None = None
    runs: Path = Path("runs")
    force: bool = False
    retry_failed: bool = False
    fail_fast: bool = False
    dry_run: bool = False
    settings: tuple[str, ...] = ()  # FIELD=VALUE over the recipe
    options: Options = field(default_factory=Options)
    keep_weights: bool = False
    tensorboard: bool = False
    on_oom: OnOom = "fail"
    bank_gib: float = DEFAULT_BANK_GIB
    worker_timeout_seconds: float = DEFAULT_WORKER_TIMEOUT_SECONDS
    plugins: tuple[Path, ...] = ()  # files that register backbones

    @property
    def weights_policy(self) -> str:
        """`--weights`, by default `auto` for the sample and for `--all`, and `imagenet` otherwise."""
        return self.weights or ("auto" if self.everything or self.data == SAMPLE else "imagenet")
