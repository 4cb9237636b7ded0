"""What `bench add` does: predictions made elsewhere become a run like any other."""

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
from bench.predictions.add.alignment import rows_in_order
from bench.predictions.add.checks import certain, log_probabilities, warning
from bench.predictions.add.classes import class_indices, class_names, column_order
from bench.predictions.add.csv_file import read_csv
from bench.predictions.add.given import Given
from bench.predictions.add.npy_file import read_lines, read_npy
from bench.predictions.add.reference import Reference, reference
from bench.store.metrics import score
from bench.store.result import Cost, Result, Setup
from bench.store.store import Images, Outputs, Split, Store, StoredRun

LogProbs = npt.NDArray[np.float32]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Addition:
    """What was given on the command line.

    Attributes:
        val, test: files of predictions.
        val_ids, test_ids: files of the ids of their rows, for arrays.
        classes: file of the class names in label order.
        cost: what is known of it; the rest stays empty.
        device: where the seconds were taken; "" where there are none.
        flags: fields of `Metrics` that are true of it.
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


@dataclass(frozen=True, eq=False)
class Aligned:
    """One split of it, in the order of the images that are known.

    Attributes:
        labels: N classes; None where nobody knows them.
        log_probs: float32 (N, C), columns in label order.
    """

    ids: tuple[str, ...]
    labels: tuple[int, ...] | None
    log_probs: LogProbs


@dataclass(frozen=True)
class Added:
    """The run, and what to say of its files although they were taken."""

    run: StoredRun
    warnings: tuple[str, ...]


def add(store: Store, addition: Addition) -> Added:
    """Reads, checks, aligns and stores it.

    Raises:
        UserError: whatever is wrong with the files, or a run that predicts the very same is there already.
    """
    if not _NAME.fullmatch(addition.name) or addition.name.startswith("ensemble-"):
        raise UserError(
            f"'{addition.name}' cannot name a run. Expected letters, digits, dots, dashes and underscores, at most 80, "
            "not beginning with 'ensemble-'."
        )
    _check_costs(addition.cost)
    store.check_writable()
    files = _read(addition)
    known = reference(store, addition.data)
    names = class_names(files["val"], known.class_names or _names_given(addition))
    splits = {split: _aligned(given, names, *_known(known, split)) for split, given in files.items()}
    _refuse_copies(store, known, splits["val"].log_probs)
    result, outputs = _run(addition, known, names, splits, labels_only=any(one.probs is None for one in files.values()))
    said = [warning(given.probs, given.path) for given in files.values() if given.probs is not None]
    return Added(store.save(result, outputs), tuple(text for text in said if text))


def digest(log_probs: LogProbs) -> str:
    """SHA-256 of the `.npy` file that a run would keep of them."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(log_probs, dtype=np.float32), allow_pickle=False)
    return hashlib.sha256(file.getvalue()).hexdigest()


def _check_costs(cost: Cost) -> None:
    for name, value in cost.model_dump(exclude_none=True).items():
        if not 0 <= value < math.inf:
            raise UserError(f"The {name.replace('_', ' ')} are {value}. Expected a number of at least 0.")


def _read(addition: Addition) -> dict[Split, Given]:
    files: dict[Split, Given] = {"val": _given(addition.val, addition.val_ids, addition.classes)}
    if addition.test is not None:
        files["test"] = _given(addition.test, addition.test_ids, addition.classes)
    return files


def _given(path: Path, ids: Path | None, classes: Path | None) -> Given:
    kind = path.suffix.lower()
    if kind == ".npy":
        return read_npy(path, ids, classes)
    if kind == ".csv":
        return read_csv(path)
    raise UserError(f"'{path}' is neither .npy nor .csv. Export the predictions as one of them.")


def _names_given(addition: Addition) -> tuple[str, ...] | None:
    """Of the classes, from the file that was named, else from the one beside an array."""
    file = addition.classes or addition.val.with_suffix(".classes.txt")
    if addition.classes is None and not (addition.val.suffix == ".npy" and file.is_file()):
        return None
    names = read_lines(file)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"'{file}' names the class '{twice}' more than once. Expected every class once.")
    return names


def _known(known: Reference, split: Split) -> tuple[tuple[str, ...] | None, tuple[int, ...] | None, str]:
    """Ids, labels, and whose they are."""
    if split == "val":
        return known.val_ids, known.val_labels, f"the validation split of {known.where}"
    return known.test_ids, known.test_labels, f"the test split of {known.where}"


def _aligned(
    given: Given,
    names: tuple[str, ...],
    known_ids: tuple[str, ...] | None,
    known_labels: tuple[int, ...] | None,
    where: str,
) -> Aligned:
    order = rows_in_order(given.ids, known_ids, given.path, where)
    ids = tuple(given.ids[row] for row in order)
    log_probs = _log_probs(given, names)[order]
    return Aligned(ids, _labels(given, names, order, known_labels, where), log_probs)


def _log_probs(given: Given, names: tuple[str, ...]) -> LogProbs:
    if given.predicted is not None:
        words = tuple(map(str, range(len(names)))) if given.by_index else names
        return certain(class_indices(given.predicted, words, given.ids, given.path, "prediction"), len(names))
    assert given.probs is not None
    return log_probabilities(given.probs[:, column_order(given, names)], given.ids, given.path)


def _labels(
    given: Given, names: tuple[str, ...], order: npt.NDArray[np.intp], known: tuple[int, ...] | None, where: str
) -> tuple[int, ...] | None:
    """Of the rows in order: what is known, else what the file says; where both speak they must agree."""
    if given.labels is None:
        return known
    found = class_indices(given.labels, names, given.ids, given.path, "label")[order]
    differ = np.flatnonzero(found != (found if known is None else np.array(known)))
    if differ.size:
        assert known is not None
        row = int(differ[0])
        raise UserError(
            f"'{given.path}' gives '{given.ids[order[row]]}' the label {names[found[row]]}, and {where} say "
            f"{names[known[row]]} ({differ.size} of {len(found)} differ)."
        )
    return tuple(found.tolist())


def _refuse_copies(store: Store, known: Reference, val: LogProbs) -> None:
    found = digest(val)
    for run in store.runs():
        if run.result.data == known.data and run.result.artefacts.get("val.npy") == found:
            raise UserError(
                f"The same predictions, byte for byte, are there already as {run.run_id}. Nothing was added."
            )


def _run(
    addition: Addition, known: Reference, names: tuple[str, ...], splits: Mapping[Split, Aligned], *, labels_only: bool
) -> tuple[Result, Outputs]:
    images = _images(known, names, splits)
    log_probs = {split: one.log_probs for split, one in splits.items()}
    answers = None if images.test_labels is None else np.array(images.test_labels, dtype=np.int64)
    labels = np.array(images.val_labels, dtype=np.int64)
    digests = {split: digest(array) for split, array in log_probs.items()}
    asked = {"name": addition.name, "data": images.data_fingerprint, "predictions": digests}
    result = Result(
        run_id=f"{addition.name}-{content_hash(asked)[:8]}",
        kind="run",
        data=known.data,
        data_fingerprint=images.data_fingerprint,
        family=addition.family,
        metrics=score(log_probs, labels, answers, labels_only=labels_only, **known.duplicates, **addition.flags),
        cost=addition.cost,
        # What nobody said is left empty, so that it sets the run apart from no other.
        setup=Setup(device=addition.device, precision="", strategy="", code_revision=""),
        added=True,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return result, _outputs(addition, images, log_probs)


def _images(known: Reference, names: tuple[str, ...], splits: Mapping[Split, Aligned]) -> Images:
    val, test = splits["val"], splits.get("test")
    if val.labels is None:
        raise UserError(
            f"Nobody knows the validation labels of '{known.data}'. Add a column 'label' to the file (for an array, to "
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
