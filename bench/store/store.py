"""The run store: the only code that knows a file name inside a run directory.

A run is written in `.partial/<run_id>/` and renamed into place once `result.json`, its last file, is written. A
directory without that file is not a finished run and is never read as one. Several processes share a store by claims.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import ValidationError

from bench.config.base import SCHEMA_VERSION, Frozen, first_problem
from bench.environment import is_chief
from bench.errors import UserError, unknown
from bench.files import lock, path_safe, sha256, write_atomic, write_json, write_text
from bench.jobs.messages import PlannedRun
from bench.store.claims import Claims
from bench.store.ensemble_result import Combination
from bench.store.result import Failure, Result

Split = Literal["val", "test"]

RESULT = "result.json"


class RunPaths:
    """The files of a run directory, finished or not."""

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
        self.checkpoint = folder / "checkpoint.npz"  # of an unfinished run alone
        self.result = folder / RESULT

    def probabilities(self, split: Split) -> Path:
        """The float32 log-probabilities (N, C) of a split."""
        return self.folder / f"{split}.npy"


class Images(Frozen):
    """The images behind the rows of a run's arrays, and the names of the classes."""

    val_ids: tuple[str, ...]
    test_ids: tuple[str, ...]
    val_labels: tuple[int, ...]
    class_names: tuple[str, ...]
    data_fingerprint: str
    test_labels: tuple[int, ...] | None = None  # for scores alone, never fitted on; None: not known


@dataclass(frozen=True)
class Outputs:
    """Outputs of a run, before it is stored: the content of its files."""

    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    history: pd.DataFrame | None  # one row per epoch; None: nothing was trained
    images: Images
    log_probs: Mapping[Split, npt.NDArray[np.float32]]  # (N, C), rows in the order of `images`
    log: str
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)  # of an ensemble's formula, and held out
    model: Path | None = None  # a Keras file, to be moved into the run
    tensorboard: Path | None = None  # a folder of event files, to be moved into the run

    def write(self, paths: RunPaths) -> None:
        """Writes all files but result.json."""
        write_json(paths.config, self.config)
        write_json(paths.environment, self.environment)
        # Thousands of ids, not indented: that would take longer than all the rest.
        write_text(paths.images, self.images.model_dump_json() + "\n")
        write_text(paths.log, self.log)
        if self.history is not None:
            write_text(paths.history, self.history.to_csv(index=False, lineterminator="\n"))
        for split, array in self.log_probs.items():
            content = np.ascontiguousarray(array, dtype=np.float32)
            write_atomic(paths.probabilities(split), partial(np.save, arr=content, allow_pickle=False))
        if self.model is not None:
            self.model.replace(paths.model)
        if self.tensorboard is not None and self.tensorboard.is_dir():
            self.tensorboard.replace(paths.tensorboard)
        if self.arrays:
            arrays: dict[str, Any] = dict(self.arrays)
            write_atomic(paths.arrays, lambda file: np.savez(file, **arrays))


class StoredRun:
    """A finished run, read lazily; every file is checked against its digest before it is first used."""

    def __init__(self, folder: Path) -> None:
        self.paths = RunPaths(folder)
        self.run_id = folder.name
        self._verified: set[str] = set()

    @cached_property
    def result(self) -> Result:
        """Content of result.json.

        Raises:
            UserError: the file is damaged, or written by a newer version of the harness.
        """
        path = self.paths.result
        try:
            content = json.loads(path.read_bytes())
            version = content.get("schema_version", 0)
            if version > SCHEMA_VERSION:
                raise UserError(
                    f"{path} has schema_version {version}; this version reads up to {SCHEMA_VERSION}. Update "
                    "petalbench, or use another --runs folder."
                )
            return Result.model_validate(content)
        except (ValueError, AttributeError) as error:
            problem = first_problem(error) if isinstance(error, ValidationError) else error
            raise UserError(f"{path} is damaged: {problem}. Remove that run.") from None

    @cached_property
    def images(self) -> Images:
        """The image ids, labels and class names."""
        return _images(self._checked(self.paths.images).read_bytes())

    @cached_property
    def config(self) -> dict[str, Any]:
        """Content of a RunConfig, or of `Workbench.config`."""
        return self._json(self.paths.config)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device, cores, code revision."""
        return self._json(self.paths.environment)

    @cached_property
    def history(self) -> pd.DataFrame | None:
        """One row per epoch; None if nothing was trained."""
        return pd.read_csv(self._checked(self.paths.history)) if self._is_stored(self.paths.history) else None

    @cached_property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Further arrays by name (see `Outputs`)."""
        if not self._is_stored(self.paths.arrays):
            return {}
        with np.load(self._checked(self.paths.arrays), allow_pickle=False) as stored:
            return dict(stored)

    @property
    def model(self) -> Path | None:
        """The trained model; None if it was not kept (`--keep-weights`)."""
        return self._checked(self.paths.model) if self._is_stored(self.paths.model) else None

    @property
    def combination(self) -> Combination:
        """How the ensemble was made.

        Raises:
            UserError: it is no ensemble.
        """
        if self.result.combination is None:
            raise UserError(f"{self.run_id} is a run, not an ensemble.")
        return self.result.combination

    @property
    def val_digest(self) -> str:
        """SHA-256 of the file of validation predictions."""
        return self.result.artefacts[self.paths.probabilities("val").name]

    def has(self, split: Split) -> bool:
        """Whether predictions of that split are stored."""
        return self._is_stored(self.paths.probabilities(split))

    def log_probs(self, split: Split) -> npt.NDArray[np.float32]:
        """Log-probabilities, float32 (N, C), memory-mapped.

        Raises:
            UserError: the file is missing or was changed, or its shape is not that of its ids and classes.
        """
        path = self._checked(self.paths.probabilities(split))
        array: npt.NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
        rows = len(self.images.val_ids if split == "val" else self.images.test_ids)
        expected = rows, len(self.images.class_names)
        if array.shape != expected:
            raise UserError(f"{path} has shape {array.shape}, its ids and classes say {expected}.")
        return array

    def _is_stored(self, path: Path) -> bool:
        return path.name in self.result.artefacts

    def _json(self, path: Path) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._checked(path).read_bytes())
        return content

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


# Forty runs of one data set hold the same file, which takes longer to read than their arrays.
@lru_cache(maxsize=4)
def _images(content: bytes) -> Images:
    return Images.model_validate_json(content)


class Attempts(NamedTuple):
    """When result and recorded failure of a run were written, in ns; None: not. They change with every attempt."""

    finished: int | None = None
    failed: int | None = None


class Store:
    """The folder of run directories."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.partial = root / ".partial"
        self.failed = root / ".failed"
        self.overcome = self.failed / "overcome"  # failed attempts of runs that finished later
        self.banks = root / ".banks"
        self.marks = root / ".marks.json"  # a cache of `ensemble_runs.ties`: created if missing
        self.claims = Claims(root)
        self._opened: dict[tuple[str, int], StoredRun] = {}

    def check_writable(self) -> None:
        """Creates the folder and writes a file to it: a run of an hour must not fail when it is stored.

        Warns if the file system has no locks: commands on it cannot keep out of each other's way.

        Raises:
            UserError: the folder cannot be created or written.
        """
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            probe = self.partial / f".probe-{os.getpid()}"
            with self.claims.gate(), probe.open("wb") as file:
                locks = lock(file, without=False)
                probe.unlink()
        except OSError as error:
            raise UserError(
                f"Cannot write to the run store '{self.root}': {error.strerror or error}. Choose another with --runs."
            ) from None
        if not locks:
            print(f"WARNING: no locks in '{self.root}': run one command at a time on this store.", file=sys.stderr)

    def run_ids(self) -> tuple[str, ...]:
        """Names of all finished runs, sorted."""
        if not self.root.is_dir():
            return ()
        folders = (entry for entry in os.scandir(self.root) if entry.is_dir() and not entry.name.startswith("."))
        return tuple(sorted(entry.name for entry in folders if os.path.isfile(os.path.join(entry.path, RESULT))))

    def is_finished(self, run_id: str) -> bool:
        """Whether that run is complete."""
        return (self.root / run_id / RESULT).is_file()

    def find(self, run_id: str) -> StoredRun | None:
        """A finished run by its whole name; None if the store does not hold it."""
        return self._open(run_id) if self.is_finished(run_id) else None

    def get(self, run_id: str) -> StoredRun:
        """A finished run by its name, or by a start of its name that no other run shares.

        Raises:
            UserError: no such run, or several.
        """
        known = self.run_ids()
        matching = [run_id] if run_id in known else [name for name in known if name.startswith(run_id)]
        if len(matching) > 1:
            raise UserError(f"'{run_id}' could be any of {', '.join(matching)}. Give more of the name.")
        if not matching and run_id in self.damaged():
            folder = self.root / run_id
            raise UserError(f"{folder} has no result.json, so it is no finished run. Remove it and run it again.")
        if not matching:
            raise unknown("run", run_id, known)
        return self._open(matching[0])

    def damaged(self) -> tuple[str, ...]:
        """Names of run directories that have lost their result.json, sorted."""
        found = (RunPaths(path.parent) for path in self.root.glob("[!.]*/config.json"))
        return tuple(sorted(paths.folder.name for paths in found if not paths.result.is_file()))

    def runs(self) -> Iterator[StoredRun]:
        """All finished runs, sorted by name."""
        return (self._open(run_id) for run_id in self.run_ids())

    def _open(self, run_id: str) -> StoredRun:
        """The same object until its result.json changes, so that files are read and checked once."""
        folder = self.root / run_id
        key = run_id, (folder / RESULT).stat().st_mtime_ns
        if key not in self._opened:
            self._opened[key] = StoredRun(folder)
        return self._opened[key]

    def log(self, name: str) -> Path:
        """Log file of the child that works on `name`; workers that share the store write one each."""
        return self.partial / (f"{name}.log" if is_chief() else f"{name}.{os.getpid()}.log")

    @contextmanager
    def preparation_log(self) -> Iterator[Path]:
        """Log file of the child that checks a data set, claimed meanwhile."""
        path = self.partial / f"prepare.{os.getpid()}.log"
        with self.claims.take(path.stem, f".partial/{path.name}"):
            yield path

    def claim_runs(self, name: str, runs: Sequence[PlannedRun]) -> AbstractContextManager[int]:
        """Claims the files of runs that share a job, and the banks of their backbone.

        Raises:
            ClaimedError: another process works on that job.
        """
        unfinished = {f".partial/{run.run_id}" for run in runs}
        banks = {f".banks/{path_safe(run.config.backbone)}-{run.config.image_px}-" for run in runs}
        return self.claims.take(name, *sorted(unfinished | banks))

    def unfinished(self, run_id: str) -> RunPaths:
        """Files of a run in training, with which it goes on after an interruption; removed when it is complete."""
        return RunPaths(self.partial / f"{run_id}.unfinished")

    def save(self, result: Result, outputs: Outputs) -> StoredRun:
        """Writes a run to `.partial`, its result last, and renames it into place; an older run is replaced.

        Processes that save the same run wait for each other, and the last one's stays.
        """
        with self.claims.take(f"{result.run_id}.save", f".partial/{result.run_id}", wait=True):
            return self._save(result, outputs)

    def _save(self, result: Result, outputs: Outputs) -> StoredRun:
        paths, target = RunPaths(self.partial / result.run_id), self.root / result.run_id
        shutil.rmtree(paths.folder, ignore_errors=True)
        paths.folder.mkdir(parents=True)
        outputs.write(paths)
        artefacts = {path.name: sha256(path) for path in sorted(paths.folder.iterdir()) if path.is_file()}
        write_json(paths.result, result.model_copy(update={"artefacts": artefacts}).model_dump(mode="json"))
        old = self.partial / f"{result.run_id}.old"
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        paths.folder.rename(target)
        for folder in (old, self.unfinished(result.run_id).folder):
            shutil.rmtree(folder, ignore_errors=True)
        with suppress(FileNotFoundError):
            failure = self.failure_path(result.run_id)
            write_text(self.overcome / failure.name, failure.read_text(encoding="utf-8"))
            failure.unlink()
        return self._open(result.run_id)

    def update(self, result: Result) -> StoredRun:
        """Replaces the result.json of a finished run; a read-only store keeps the old one, which is no error."""
        with suppress(OSError):
            write_json(RunPaths(self.root / result.run_id).result, result.model_dump(mode="json"))
        return self._open(result.run_id)

    def attempts(self, run_id: str) -> Attempts:
        """When a run finished and failed last."""
        return Attempts(_written(self.root / run_id / RESULT), _written(self.failure_path(run_id)))

    def failure_path(self, run_id: str) -> Path:
        """File of a failed attempt of that run."""
        return self.failed / f"{run_id}.json"

    def record_failure(self, failure: Failure) -> None:
        """Stores a failed attempt; it becomes history once the run finishes."""
        with self.claims.gate():
            write_json(self.failure_path(failure.run_id), failure.model_dump(mode="json"))

    def failure(self, run_id: str) -> Failure | None:
        """The last failed attempt of a run, finished or not; None if none is recorded."""
        found = (self.failure_path(run_id), self.overcome / f"{run_id}.json")
        return next((failure for failure in map(_failure, found) if failure), None)

    def failures(self) -> list[Failure]:
        """Failed attempts of runs that are not finished, sorted by run."""
        found = [failure for path in sorted(self.failed.glob("*.json")) if (failure := _failure(path))]
        return [failure for failure in found if not self.is_finished(failure.run_id)]


def _written(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _failure(path: Path) -> Failure | None:
    try:
        return Failure.model_validate_json(path.read_bytes())
    except FileNotFoundError:  # its run finished meanwhile
        return None
