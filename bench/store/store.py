"""The run store: the only code that knows a file name inside a run directory.

A run is written in `.partial/<run_id>/` and renamed into place once `result.json`, its last file, is there. A directory
without one was never finished, and nothing here takes it for a result.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import ValidationError

from bench.config.base import SCHEMA_VERSION, Frozen, first_problem
from bench.environment import is_chief
from bench.errors import UserError, unknown
from bench.files import sha256, size_of, write_atomic, write_json, write_text
from bench.store.result import Failure, Result

Split = Literal["val", "test"]


RESULT = "result.json"


class RunPaths:
    """The files of one run directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.json"
        self.environment = folder / "environment.json"
        self.history = folder / "history.csv"
        self.images = folder / "images.json"
        self.arrays = folder / "arrays.npz"
        self.log = folder / "log.txt"
        self.model = folder / "model.keras"
        self.tensorboard = folder / "tensorboard"
        self.result = folder / RESULT

    def probabilities(self, split: Split) -> Path:
        """The float32 log-probabilities (N, C) of a split."""
        return self.folder / f"{split}.npy"


class Images(Frozen):
    """Which image each row of a run's arrays is, and what the classes are called."""

    val_ids: tuple[str, ...]
    test_ids: tuple[str, ...]
    val_labels: tuple[int, ...]
    class_names: tuple[str, ...]
    data_fingerprint: str
    test_labels: tuple[int, ...] | None = (
        None  # where the answers are known; for scoring alone, nothing is fitted on them
    )


@dataclass(frozen=True)
class Outputs:
    """What a run leaves behind, before it is stored.

    log_probs: split -> float32 (N, C), rows in the order of `images`.
    arrays: others by name: of an ensemble what it takes to combine its members again, and its held-out predictions.
    """

    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    history: pd.DataFrame | None
    images: Images
    log_probs: Mapping[Split, npt.NDArray[np.float32]]
    log: str
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    model: Path | None = None  # a trained model in a file of Keras, to be moved into the run
    tensorboard: Path | None = None  # a folder of event files, to be moved into the run


class UnfinishedPaths:
    """The files of a run that is being trained: gone when it is complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoint = folder / "checkpoint.npz"
        self.model = folder / "model.keras"
        self.tensorboard = folder / "tensorboard"


class StoredRun:
    """A finished run, read lazily; every file is checked against its digest before it is first used."""

    def __init__(self, folder: Path) -> None:
        self.paths = RunPaths(folder)
        self.run_id = folder.name
        self._verified: set[str] = set()

    @cached_property
    def result(self) -> Result:
        """The run's own statement.

        Raises:
            UserError: the file is damaged, or written by a newer version of the harness.
        """
        try:
            content = json.loads(self.paths.result.read_bytes())
            if content.get("schema_version", 0) > SCHEMA_VERSION:
                raise UserError(
                    f"{self.paths.result} has schema_version {content['schema_version']}; this version reads up to "
                    f"{SCHEMA_VERSION}. Update petalbench, or use another --runs folder."
                )
            return Result.model_validate(content)
        except ValidationError as error:
            raise UserError(f"{self.paths.result} is damaged: {first_problem(error)}. Remove that run.") from None
        except (ValueError, AttributeError) as error:
            raise UserError(f"{self.paths.result} is damaged: {error}. Remove that run.") from None

    @cached_property
    def images(self) -> Images:
        """The image ids, labels and class names."""
        return _images(self._checked(self.paths.images).read_bytes())

    @cached_property
    def config(self) -> dict[str, Any]:
        """What was asked for: a RunConfig's content, or an ensemble's."""
        content: dict[str, Any] = json.loads(self._checked(self.paths.config).read_bytes())
        return content

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device, cores, code revision."""
        content: dict[str, Any] = json.loads(self._checked(self.paths.environment).read_bytes())
        return content

    @cached_property
    def history(self) -> pd.DataFrame | None:
        """One row per epoch; None where nothing was trained."""
        if self.paths.history.name not in self.result.artefacts:
            return None
        return pd.read_csv(self._checked(self.paths.history))

    def log_probs(self, split: Split) -> npt.NDArray[np.float32]:
        """Log-probabilities, float32 (N, C), memory-mapped.

        Raises:
            UserError: the file is gone, was changed after it was written, or has another shape than its ids say.
        """
        path = self._checked(self.paths.probabilities(split))
        array: npt.NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
        rows = len(self.images.val_ids if split == "val" else self.images.test_ids)
        if array.shape != (rows, len(self.images.class_names)):
            raise UserError(
                f"{path} has shape {array.shape}, its ids and classes say {(rows, len(self.images.class_names))}."
            )
        return array

    @cached_property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Other arrays that were stored, by name (see `Outputs`)."""
        if self.paths.arrays.name not in self.result.artefacts:
            return {}
        with np.load(self._checked(self.paths.arrays), allow_pickle=False) as stored:
            return dict(stored)

    def has(self, split: Split) -> bool:
        """Whether predictions of that split were stored."""
        return self.paths.probabilities(split).name in self.result.artefacts

    @property
    def val_digest(self) -> str:
        """SHA-256 of the validation predictions."""
        return self.result.artefacts["val.npy"]

    @property
    def model(self) -> Path | None:
        """The trained model, where it was kept (`--keep-weights`)."""
        kept = self.paths.model.name in self.result.artefacts
        return self._checked(self.paths.model) if kept else None

    def _checked(self, path: Path) -> Path:
        if path.name in self._verified:
            return path
        expected = self.result.artefacts.get(path.name)
        if expected is None or not path.is_file():
            raise UserError(f"{path} is missing from a finished run. Remove {self.paths.folder} and run it again.")
        if sha256(path) != expected:
            raise UserError(
                f"{path} was changed after it was written (digest differs). Remove that run and run it again."
            )
        self._verified.add(path.name)
        return path


class Store:
    """The folder of run directories."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.partial = root / ".partial"
        self.failed = root / ".failed"
        self.banks = root / ".banks"
        self.marks = root / ".marks.json"  # which pairs cannot be told apart: made again where it is missing
        self._opened: dict[tuple[str, int], StoredRun] = {}

    def check_writable(self) -> None:
        """Makes the folder, and finds out now rather than after an hour that nothing can be written to it.

        Raises:
            UserError: it cannot be made or written.
        """
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            probe = self.partial / f".probe-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise UserError(
                f"Cannot write to the run store '{self.root}': {_why(error)}. Choose another with --runs."
            ) from None

    def run_ids(self) -> tuple[str, ...]:
        """All finished runs, sorted by name."""
        if not self.root.is_dir():
            return ()
        folders = (entry for entry in os.scandir(self.root) if entry.is_dir() and not entry.name.startswith("."))
        return tuple(sorted(entry.name for entry in folders if os.path.isfile(os.path.join(entry.path, RESULT))))

    def is_finished(self, run_id: str) -> bool:
        """Whether that run is complete."""
        return (self.root / run_id / RESULT).is_file()

    def find(self, run_id: str) -> StoredRun | None:
        """A finished run by its whole name; None where there is none."""
        return self._open(run_id) if self.is_finished(run_id) else None

    def get(self, run_id: str) -> StoredRun:
        """A finished run by its name, or by the start of one that no other shares.

        Raises:
            UserError: no such run, or several.
        """
        known = self.run_ids()
        if run_id in known:
            return self._open(run_id)
        matching = [name for name in known if name.startswith(run_id)]
        if len(matching) > 1:
            raise UserError(f"'{run_id}' could be any of {', '.join(matching)}. Give more of the name.")
        if not matching:
            raise unknown("run", run_id, known)
        return self._open(matching[0])

    def runs(self) -> Iterator[StoredRun]:
        """All finished runs, sorted by name."""
        return (self._open(run_id) for run_id in self.run_ids())

    def log(self, name: str) -> Path:
        """Where a child that is at `name` prints; workers that share the store each have their own."""
        return self.partial / (f"{name}.log" if is_chief() else f"{name}.{os.getpid()}.log")

    def unfinished(self, run_id: str) -> UnfinishedPaths:
        """Where a run keeps what it needs to go on after an interruption."""
        return UnfinishedPaths(self.partial / f"{run_id}.unfinished")

    def save(self, result: Result, outputs: Outputs) -> StoredRun:
        """Writes a run whole, its result last, in `.partial`; then renames it into place, over an older one."""
        paths = RunPaths(self.partial / result.run_id)
        shutil.rmtree(paths.folder, ignore_errors=True)
        paths.folder.mkdir(parents=True)
        _write_outputs(paths, outputs)
        artefacts = {path.name: sha256(path) for path in sorted(paths.folder.iterdir()) if path.is_file()}
        write_json(paths.result, result.model_copy(update={"artefacts": artefacts}).model_dump(mode="json"))
        self._into_place(paths.folder, self.root / result.run_id)
        self.failure_path(result.run_id).unlink(missing_ok=True)
        shutil.rmtree(self.unfinished(result.run_id).folder, ignore_errors=True)
        return self._open(result.run_id)

    def failure_path(self, run_id: str) -> Path:
        """Where a failed attempt of that run is kept."""
        return self.failed / f"{run_id}.json"

    def record_failure(self, failure: Failure) -> None:
        """Keeps a failed attempt; a later success removes it."""
        write_json(self.failure_path(failure.run_id), failure.model_dump(mode="json"))

    def failures(self) -> list[Failure]:
        """The failed attempts that no success has replaced, sorted by run."""
        return [Failure.model_validate_json(path.read_bytes()) for path in sorted(self.failed.glob("*.json"))]

    def leftovers(self) -> list[tuple[Path, int]]:
        """What is not a result, with its size in bytes: unfinished work, banks, failed attempts."""
        entries = [entry for folder in (self.partial, self.banks, self.failed) for entry in sorted(folder.glob("*"))]
        return [(entry, size_of(entry)) for entry in entries]

    def remove_leftovers(self) -> None:
        """Removes what `leftovers` shows. Banks are made again when they are needed, failed runs tried again."""
        for folder in (self.partial, self.banks, self.failed):
            shutil.rmtree(folder, ignore_errors=True)

    def _open(self, run_id: str) -> StoredRun:
        """The same object while its result.json stays as it is: what was read and checked once is not again."""
        folder = self.root / run_id
        key = run_id, (folder / RESULT).stat().st_mtime_ns
        if key not in self._opened:
            self._opened[key] = StoredRun(folder)
        return self._opened[key]

    def _into_place(self, source: Path, target: Path) -> None:
        if target.exists():
            old = self.partial / f".old-{target.name}-{os.getpid()}"
            target.rename(old)
            source.rename(target)
            shutil.rmtree(old)
        else:
            source.rename(target)


# Forty runs of one data set hold the same file, which takes longer to read than their arrays.
@lru_cache(maxsize=4)
def _images(content: bytes) -> Images:
    return Images.model_validate_json(content)


def _write_outputs(paths: RunPaths, outputs: Outputs) -> None:
    write_json(paths.config, outputs.config)
    write_json(paths.environment, outputs.environment)
    # Thousands of ids, not indented: that would take longer than all the rest.
    write_text(paths.images, outputs.images.model_dump_json() + "\n")
    write_text(paths.log, outputs.log)
    if outputs.history is not None:
        write_text(paths.history, outputs.history.to_csv(index=False, lineterminator="\n"))
    for split, array in outputs.log_probs.items():
        content = np.ascontiguousarray(array, dtype=np.float32)
        write_atomic(paths.probabilities(split), partial(np.save, arr=content, allow_pickle=False))
    if outputs.model is not None:
        outputs.model.replace(paths.model)
    if outputs.tensorboard is not None and outputs.tensorboard.is_dir():
        outputs.tensorboard.replace(paths.tensorboard)
    if outputs.arrays:
        arrays: dict[str, Any] = dict(outputs.arrays)
        write_atomic(paths.arrays, lambda file: np.savez(file, **arrays))


def _why(error: OSError) -> str:
    return {errno.EACCES: "permission denied", errno.EROFS: "read-only file system", errno.ENOSPC: "no space left"}.get(
        error.errno or 0, error.strerror or str(error)
    )
