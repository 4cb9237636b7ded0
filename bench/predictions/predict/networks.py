"""The kept networks of a run or an ensemble, and the weights files that they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import backbones
from bench.config.run import RunConfig
from bench.ensemble_runs.candidates import formula_of, missing_member
from bench.errors import UserError, listed, one_line
from bench.files import sha256
from bench.jobs.messages import Kept
from bench.matrix.weights import resolve
from bench.plugins import check_known
from bench.store.store import Store, StoredRun
from ensembles.base import Probs


@dataclass(frozen=True)
class UnreadablePicture:
    """A file that cannot be read: its row, and the reason."""

    row: int
    reason: str


@dataclass(frozen=True)
class NetworkOutputs:
    """Probabilities float32 (M, N, C) of M networks for the N readable pictures, and the unreadable files."""

    probs: Probs
    faults: Sequence[UnreadablePicture]

    def save(self, path: Path) -> None:
        """Writes a file of arrays, by which the child hands them to its parent."""
        rows = np.array([fault.row for fault in self.faults], np.int64)
        reasons = np.array([fault.reason for fault in self.faults], np.str_)
        np.savez(path, probs=self.probs, rows=rows, reasons=reasons)

    @classmethod
    def load(cls, path: Path) -> NetworkOutputs:
        """Reads the file."""
        with np.load(path, allow_pickle=False) as found:
            faults = zip(found["rows"].tolist(), found["reasons"].tolist(), strict=True)
            return cls(found["probs"], [UnreadablePicture(row, reason) for row, reason in faults])


def needed(store: Store, run: StoredRun, files: Sequence[Path]) -> tuple[Kept, ...]:
    """The networks of a run, or of all members of an ensemble, each once.

    Args:
        store: the store of the members.
        run: a run or an ensemble.
        files: weights files that were moved, recognised by their digests, and folders of published ones.

    Raises:
        UserError: a network was not kept, a member is gone or was run again, a weights file is gone or changed, or a
            backbone of a plugin that is not loaded.
    """
    trained = {leaf.run_id: leaf for leaf in _trained(store, run)}
    _check_kept(run, list(trained.values()))
    configs = {name: RunConfig.model_validate(leaf.config) for name, leaf in trained.items()}
    for name, config in configs.items():
        check_known(name, config.backbone, config.plugin)
    given = {sha256(path): path.resolve() for path in _files(files, configs.values())}
    return tuple(_kept(leaf, configs[name], given) for name, leaf in trained.items())


def combined(store: Store, run: StoredRun, found: Mapping[str, Probs]) -> Probs:
    """Probabilities (N, C) of a run or an ensemble, from those of its trained runs by name."""
    combination = run.result.combination
    if combination is None:
        return found[run.run_id]
    members = [combined(store, store.get(member.run_id), found) for member in combination.members]
    return formula_of(run).predict(members)


def _trained(store: Store, run: StoredRun) -> list[StoredRun]:
    combination = run.result.combination
    if combination is None:
        return [run]
    missing = missing_member(store, combination)
    if missing:
        raise UserError(f"{run.run_id} cannot predict: {missing}.")
    return [leaf for member in combination.members for leaf in _trained(store, store.get(member.run_id))]


def _check_kept(run: StoredRun, trained: Sequence[StoredRun]) -> None:
    added = [leaf.run_id for leaf in trained if leaf.result.added]
    without = [leaf.run_id for leaf in trained if leaf.model is None and not leaf.result.added]
    of_what = "" if trained == [run] else f"{run.run_id} cannot predict: its member "
    if added:
        raise UserError(f"{of_what}{listed(added)} was made elsewhere and added: only its predictions are here.")
    if without:
        raise UserError(f"{of_what}{listed(without)} kept no weights. Run it again with --force --keep-weights.")


def _kept(run: StoredRun, config: RunConfig, given: Mapping[str, Path]) -> Kept:
    weights = _weights(run, config, given) if config.keeps_head_alone else None
    return Kept(
        run_id=run.run_id,
        model=str(run.paths.model.resolve()),
        backbone=config.backbone,
        image_px=config.image_px,
        image_source_px=run.result.setup.image_source_px,
        weights=weights,
    )


def _weights(run: StoredRun, config: RunConfig, given: Mapping[str, Path]) -> str:
    if config.weights == "imagenet":
        return _published(run, backbones.get(config.backbone), list(given.values()))
    digest = config.weights.rpartition("@")[2]
    moved = [path for found, path in given.items() if found.startswith(digest)]
    path = moved[0] if moved else Path(run.environment["weights_file"])
    problem = "is gone" if not path.is_file() else "has another digest by now" * (not sha256(path).startswith(digest))
    if problem:
        raise UserError(
            f"{run.run_id} stands on the weights file {config.weights}, and '{one_line(path)}' {problem}. "
            "Give that file with --weights FILE."
        )
    return str(path)


def _published(run: StoredRun, adapter: backbones.Backbone, given: Sequence[Path]) -> str:
    """The published weights: a given file, the file that the run used, or those of the policy `imagenet`."""
    file, recorded = adapter.weights_file, run.environment.get("weights_file")
    places = [*given, *([Path(recorded)] if recorded else [])]
    at_hand = [path for path in places if file and file.digest and path.is_file() and file.is_at(path)]
    return str(at_hand[0] if at_hand else resolve("imagenet", adapter))


def _files(paths: Sequence[Path], configs: Iterable[RunConfig]) -> Iterator[Path]:
    """The given files; of a folder, the published files of the backbones that need them."""
    adapters = [backbones.get(config.backbone) for config in configs if config.keeps_head_alone]
    names = dict.fromkeys(adapter.weights_file.name for adapter in adapters if adapter.weights_file)
    for path in paths:
        if path.is_dir():
            yield from (path / name for name in names if (path / name).is_file())
        elif path.is_file():
            yield path
        else:
            raise UserError(f"No weights file at '{one_line(path)}'.")
