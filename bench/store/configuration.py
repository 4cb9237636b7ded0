"""Configurations: runs that differ in nothing but their seed, the unit of every comparison.

The best of several seeds is best by luck. A configuration is therefore scored by the mean over its seeds, on the same
images, and an ensemble takes the run of its lowest seed, never that of its best.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.config.base import content_hash
from bench.store.store import StoredRun

# Fields of a result that tell configurations apart: those of the request, and conditions that were found.
_ASKED = {"backbone", "image_px", "recipe", "lr_scale", "weights", "weights_seed", "plugin", "data_fingerprint"}
_FOUND = {
    "device",
    "cores",
    "precision",
    "strategy",
    "replicas",
    "global_batch",
    "micro_batch",
    "xla",
    "deterministic",
    "image_source_px",
    "kernels",
}
# Packages that compute a run; others, such as pandas, change no number of it.
_COMPUTING = ("python", "tensorflow", "keras", "numpy")


@dataclass(frozen=True)
class Configuration:
    """Runs that differ in nothing but their seed, by rising seed.

    Attributes:
        key: digest of all that the runs share.
        runs: S of them, on the same N validation images.
    """

    key: str
    runs: tuple[StoredRun, ...]

    @property
    def member(self) -> StoredRun:
        """The run of the lowest seed, which stands for the configuration in an ensemble."""
        return self.runs[0]

    @property
    def run_ids(self) -> tuple[str, ...]:
        """S names."""
        return tuple(run.run_id for run in self.runs)

    @property
    def is_random(self) -> bool:
        """Whether its backbone started from random weights."""
        return self.member.result.weights == "random"

    @property
    def is_frozen(self) -> bool:
        """Whether nothing but a head was trained."""
        recipe = self.member.config.get("recipe") or {}
        return bool(recipe.get("trainable") == "none")

    @property
    def macro_f1(self) -> float:
        """Mean validation macro F1 over seeds."""
        return math.fsum(run.result.metrics.macro_f1 for run in self.runs) / len(self.runs)

    @property
    def place(self) -> tuple[float, float, str]:
        """Sort key, best first: mean macro F1, then mean log-loss, then name."""
        losses = [run.result.metrics.log_loss for run in self.runs]
        known = [loss for loss in losses if loss is not None]
        loss = math.fsum(known) / len(known) if len(known) == len(losses) else math.inf
        return -self.macro_f1, loss, self.member.run_id

    @cached_property
    def predicted(self) -> npt.NDArray[np.intp]:
        """Predicted validation classes, int (S, N)."""
        return np.stack([run.log_probs("val").argmax(axis=1) for run in self.runs])


def configurations(runs: Iterable[StoredRun]) -> list[Configuration]:
    """Configurations of these runs, best first; ensembles and runs that saw validation are none."""
    groups: dict[str, list[StoredRun]] = {}
    for run in runs:
        if run.result.kind == "run" and not run.result.metrics.saw_validation:
            groups.setdefault(key_of(run), []).append(run)
    found = [Configuration(key, tuple(sorted(group, key=_seed))) for key, group in groups.items()]
    return sorted(found, key=lambda configuration: configuration.place)


def key_of(run: StoredRun, but: frozenset[str] = frozenset()) -> str:
    """Digest of all that determines a run but its seed: request, pictures, conditions, versions, code that trains.

    Of a run that was stored without a digest of that code, its revision stands in. An added run is a configuration of
    its own.

    Args:
        run: a single run.
        but: further fields in which runs of one digest may differ, such as `image_px`.
    """
    result, setup = run.result, run.result.setup
    versions = run.environment.get("versions", {})
    content: dict[str, Any] = {
        "result": result.model_dump(mode="json", include=_ASKED - but),
        "setup": setup.model_dump(mode="json", include=_FOUND - but),
        "config": {name: value for name, value in _without_seed(run.config).items() if name not in but},
        "code": setup.training_code or setup.code_revision,
        "versions": [versions.get(name) for name in _COMPUTING],
    }
    return content_hash(content | ({"run_id": run.run_id} if result.added else {}))[:12]


def recipe_digest(run: StoredRun) -> str | None:
    """Digest of the content of a recipe, whatever its name and description; None: nothing was trained."""
    recipe = run.config.get("recipe")
    return content_hash(_content(recipe))[:12] if isinstance(recipe, dict) else None


def _without_seed(config: dict[str, Any]) -> dict[str, Any]:
    """A RunConfig without seed, name of the data set and texts of the recipe, which change nothing."""
    kept = {name: value for name, value in config.items() if name not in ("seed", "data")}
    return kept | {"recipe": _content(kept["recipe"])} if "recipe" in kept else kept


def _content(recipe: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recipe.items() if name not in ("name", "description")}


def _seed(run: StoredRun) -> tuple[int, str]:
    return run.result.seed or 0, run.run_id
