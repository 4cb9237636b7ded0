"""`bench export`: the predictions of a run as CSV or NumPy files, which `bench add` reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import UserError, unknown
from bench.files import csv_text, write_atomic, write_text
from bench.predictions.add.prediction_file import RESERVED
from bench.store.store import Images, Split, StoredRun

SPLITS: tuple[Split, ...] = ("val", "test")


def export(run: StoredRun, form: str, out: Path) -> list[Path]:
    """Writes `<run>-val` and `<run>-test` into a folder. Returns the files, those beside an array included.

    Probabilities are float64: float32 has less precision than float32 log-probabilities, and scores would change.

    Raises:
        UserError: an unknown format, or a folder that cannot be written.
    """
    writers = {"csv": _write_csv, "npy": _write_npy}
    if form not in writers:
        raise unknown("format", form, writers)
    write = writers[form]
    try:
        return [path for split in SPLITS if run.has(split) for path in write(run, split, out / f"{run.run_id}-{split}")]
    except OSError as error:
        raise UserError(f"Cannot write to '{out}': {error.strerror}. Choose another folder with --out.") from None


def _write_csv(run: StoredRun, split: Split, stem: Path) -> list[Path]:
    names = _columns(run)
    table = _ids_and_labels(run.images, split)
    header, *rows = table
    values: Sequence[Any] = _values(run, split).tolist()
    if run.result.metrics.labels_only:
        values = [[run.images.class_names[label]] for label in values]
    path = stem.with_name(f"{stem.name}.csv")
    write_text(path, csv_text([[*header, *names], *([*row, *more] for row, more in zip(rows, values, strict=True))]))
    return [path]


def _write_npy(run: StoredRun, split: Split, stem: Path) -> list[Path]:
    array, ids, classes = (stem.with_name(f"{stem.name}{end}") for end in (".npy", ".ids.csv", ".classes.txt"))
    write_atomic(array, partial(np.save, arr=_values(run, split), allow_pickle=False))
    write_text(ids, csv_text(_ids_and_labels(run.images, split)))
    write_text(classes, "".join(f"{name}\n" for name in run.images.class_names))
    return [array, ids, classes]


def _values(run: StoredRun, split: Split) -> npt.NDArray[Any]:
    """Probabilities float64 (N, C); of a run with predicted classes only, classes int64 (N,)."""
    log_probs = run.log_probs(split)
    if run.result.metrics.labels_only:
        predicted: npt.NDArray[np.int64] = log_probs.argmax(axis=1)
        return predicted
    return np.exp(log_probs.astype(np.float64))


def _columns(run: StoredRun) -> Sequence[str]:
    if run.result.metrics.labels_only:
        return ["prediction"]
    names = run.images.class_names
    return [str(number) for number in range(len(names))] if set(names) & set(RESERVED) else names


def _ids_and_labels(images: Images, split: Split) -> list[list[Any]]:
    ids, labels = (images.val_ids, images.val_labels) if split == "val" else (images.test_ids, images.test_labels)
    if labels is None:
        return [["id"], *([name] for name in ids)]
    return [["id", "label"], *([name, images.class_names[label]] for name, label in zip(ids, labels, strict=True))]
