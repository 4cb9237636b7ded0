"""`bench add`: stores predictions of other programs as a run."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.config.base import content_hash
from bench.environment import code_revision, cores, cpu_model, describe
from bench.errors import UserError
from bench.files import sha256
from bench.predictions.add.alignment import AlignedSplit, align, class_names
from bench.predictions.add.prediction_file import PredictionFile, read_lines, read_predictions
from bench.predictions.add.probabilities import warning
from bench.predictions.add.reference import KnownSplit, Reference, reference
from bench.store.metrics import score
from bench.store.result import Cost, Metrics, Result, Setup
from bench.store.store import Images, Outputs, Split, Store, StoredRun

LogProbs = npt.NDArray[np.float32]
_SPLITS: Mapping[Split, str] = {"val": "validation split", "test": "test split"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Addition:
    """The arguments of `bench add`.

    Attributes:
        val, test: files of predictions.
        val_ids, test_ids: files of the ids of their rows, for arrays.
        classes: file of the class names in label order.
        cost: the known costs.
        device: device on which the seconds were measured; "": not measured.
        flags: fields of `Metrics` to set.
    """

    name: str
    val: Path
    test: Path | None = None
    val_ids: Path | None = None
    test_ids: Path | None = None
    classes: Path | None = None
    data: str | None = None
    family: str | None = None
    cost: Cost = field(default_factory=Cost)
    device: str = ""
    flags: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Added:
    """The stored run, and warnings about its files."""

    run: StoredRun
    warnings: tuple[str, ...]


def add(store: Store, addition: Addition) -> Added:
    """Reads, checks, aligns and stores predictions.

    Raises:
        UserError: a file with wrong content, or a stored run has the same predictions.
    """
    _check_name_and_costs(addition)
    store.check_writable()
    files = _read(addition)
    known = reference(store, addition.data)
    names = class_names(files["val"], known.class_names or _names_given(addition))
    splits = {
        split: align(file, names, known.splits.get(split, KnownSplit()), f"the {_SPLITS[split]} of {known.where}")
        for split, file in files.items()
    }
    _refuse_copies(store, known, splits["val"].log_probs)
    images = _images(known, names, splits)
    log_probs = {split: aligned.log_probs for split, aligned in splits.items()}
    metrics = _score(addition, known, images, log_probs, labels_only=any(file.probs is None for file in files.values()))
    run = store.save(_result(addition, known, images, log_probs, metrics), _outputs(addition, images, log_probs))
    warnings = [warning(file.probs, file.path) for file in files.values() if file.probs is not None]
    return Added(run, tuple(text for text in warnings if text))


def digest(log_probs: LogProbs) -> str:
    """SHA-256 of the `.npy` file in which a run keeps log-probabilities."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(log_probs, dtype=np.float32), allow_pickle=False)
    return hashlib.sha256(file.getvalue()).hexdigest()


def _check_name_and_costs(addition: Addition) -> None:
    if not _NAME.fullmatch(addition.name) or addition.name.startswith("ensemble-"):
        raise UserError(
            f"'{addition.name}' cannot name a run. Expected letters, digits, dots, dashes and underscores, at most 80, "
            "not beginning with 'ensemble-'."
        )
    for name, value in addition.cost.model_dump(exclude_none=True).items():
        if not 0 <= value < math.inf:
            raise UserError(f"The {name.replace('_', ' ')} are {value}. Expected a number of at least 0.")


def _read(addition: Addition) -> dict[Split, PredictionFile]:
    files: dict[Split, PredictionFile] = {"val": read_predictions(addition.val, addition.val_ids, addition.classes)}
    if addition.test is not None:
        files["test"] = read_predictions(addition.test, addition.test_ids, addition.classes)
    return files


def _names_given(addition: Addition) -> tuple[str, ...] | None:
    """Names of the classes from the given file, else from the file beside an array."""
    file = addition.classes or addition.val.with_suffix(".classes.txt")
    if addition.classes is None and not (addition.val.suffix == ".npy" and file.is_file()):
        return None
    names = read_lines(file)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"'{file}' names the class '{twice}' more than once. Expected every class once.")
    return names


def _refuse_copies(store: Store, known: Reference, val: LogProbs) -> None:
    found = digest(val)
    for run in store.runs():
        if run.result.data == known.data and run.result.artefacts.get("val.npy") == found:
            raise UserError(
                f"The same predictions, byte for byte, are there already as {run.run_id}. Nothing was added."
            )


def _score(
    addition: Addition, known: Reference, images: Images, log_probs: Mapping[Split, LogProbs], *, labels_only: bool
) -> Metrics:
    answers = None if images.test_labels is None else np.array(images.test_labels, dtype=np.int64)
    labels = np.array(images.val_labels, dtype=np.int64)
    return score(log_probs, labels, answers, labels_only=labels_only, **known.duplicates, **addition.flags)


def _result(
    addition: Addition, known: Reference, images: Images, log_probs: Mapping[Split, LogProbs], metrics: Metrics
) -> Result:
    digests = {split: digest(array) for split, array in log_probs.items()}
    content = {"name": addition.name, "data": images.data_fingerprint, "predictions": digests}
    return Result(
        run_id=f"{addition.name}-{content_hash(content)[:8]}",
        kind="run",
        data=known.data,
        data_fingerprint=images.data_fingerprint,
        family=addition.family,
        metrics=metrics,
        cost=addition.cost,
        # Unknown settings are empty: they set the run apart from no other.
        setup=Setup(device=addition.device, precision="", strategy="", code_revision=""),
        added=True,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _images(known: Reference, names: tuple[str, ...], splits: Mapping[Split, AlignedSplit]) -> Images:
    val, test = splits["val"], splits.get("test")
    if val.labels is None:
        raise UserError(
            f"The validation labels of '{known.data}' are unknown. Add a column 'label' to the file (for an array, to "
            "its .ids.csv), or choose the data set with --data."
        )
    content: Any = [val.ids, val.labels, names]
    return Images(
        val_ids=val.ids,
        test_ids=() if test is None else test.ids,
        val_labels=val.labels,
        class_names=names,
        data_fingerprint=known.fingerprint or content_hash(content),
        test_labels=None if test is None else test.labels,
    )


def _outputs(addition: Addition, images: Images, log_probs: Mapping[Split, LogProbs]) -> Outputs:
    files = {"val": addition.val, "test": addition.test}
    return Outputs(
        config={
            "name": addition.name,
            "files": {split: {"name": p.name, "sha256": sha256(p)} for split, p in files.items() if p is not None},
        },
        environment=describe(f"{cpu_model()} ({cores()} cores)", code_revision()),
        history=None,
        images=images,
        log_probs=log_probs,
        log="",
    )
