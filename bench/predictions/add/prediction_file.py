"""Files of predictions: CSV tables and NumPy arrays.

A table has the columns `id`, optionally `label`, and one per class; or `id` and `prediction`. An `.npy` file holds
float (N, C), or int (N,) of predicted classes. An array has no names: its ids come from `preds.ids.txt` beside it, one
id a line, or `preds.ids.csv` with `id` and optionally `label`; its classes from `preds.classes.txt`, one name a line.
Nothing is unpickled.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import UserError

RESERVED = ("id", "label", "prediction")
_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True, eq=False)
class PredictionFile:
    """The content of one file, rows and columns in its own order. Either probabilities or predicted classes.

    Attributes:
        path: the file, for messages.
        ids: N ids.
        columns: C names of classes, or indices as text; None: by position, as in an array.
        probs: float (N, C), not normalised; None if the file holds predicted classes.
        predicted: N names or indices of classes, as text; None if the file holds probabilities.
        labels: N names or indices of the true classes, as text; None: not in the file.
        by_index: `predicted` are indices, even if classes have numbers as names.
    """

    path: Path
    ids: Sequence[str]
    columns: tuple[str, ...] | None
    probs: npt.NDArray[Any] | None
    predicted: Sequence[str] | None
    labels: Sequence[str] | None
    by_index: bool = False


def read_predictions(path: Path, ids: Path | None, classes: Path | None) -> PredictionFile:
    """Reads a `.csv` or `.npy` file.

    Args:
        path: the file.
        ids: ids of the rows of an array; None: the file beside it.
        classes: names of the columns of an array; None: the file beside it, if any.

    Raises:
        UserError: another kind of file, or one that is damaged, cut short or of another form; ids that are missing or
            of another number.
    """
    kind = path.suffix.lower()
    if kind == ".npy":
        return _read_npy(path, ids, classes)
    if kind == ".csv":
        return _read_csv(path)
    raise UserError(f"'{path}' is neither .npy nor .csv. Export the predictions as one of them.")


def read_lines(path: Path) -> tuple[str, ...]:
    """The lines of a text file with one entry a line.

    Raises:
        UserError: the file cannot be read, or has an empty line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except OSError as error:
        raise UserError(f"Cannot read '{path}': {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserError(f"'{path}' is not UTF-8 text. Expected one entry a line.") from None
    found = tuple(line.strip() for line in lines)
    if "" in found:
        raise UserError(f"'{path}' line {found.index('') + 1} is empty. Expected one entry a line.")
    return found


@dataclass(frozen=True)
class _Table:
    """A CSV file as text: names of the columns, each once, and rows of as many cells."""

    path: Path
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]

    def column(self, name: str) -> list[str] | None:
        """The cells of a column; None: no such column."""
        if name not in self.header:
            return None
        place = self.header.index(name)
        return [row[place].strip() for row in self.rows]


def _read_csv(path: Path) -> PredictionFile:
    table = _read_table(path)
    classes = tuple(name for name in table.header if name not in RESERVED)
    predicted = table.column("prediction")
    if predicted is None and not classes:
        raise UserError(
            f"'{path}' has neither a column per class nor a column 'prediction': {', '.join(table.header)}. "
            "Call the column of predicted classes 'prediction'."
        )
    if predicted is not None and classes:
        raise UserError(f"'{path}' has a column 'prediction' and class columns such as '{classes[0]}'. Keep one kind.")
    return PredictionFile(
        path=path,
        ids=table.column("id") or (),
        columns=classes or None,
        probs=_numbers(table, classes) if classes else None,
        predicted=predicted,
        labels=table.column("label"),
    )


def _read_table(path: Path) -> _Table:
    """A CSV file with an `id` column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise UserError(f"Cannot read '{path}': {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"'{path}' is not CSV: {error}. Expected UTF-8 text that begins with a line of names."
        ) from None
    header = tuple(name.strip() for name in rows[0]) if rows else ()
    _check_table(path, header, rows[1:])
    return _Table(path, header, rows[1:])


def _check_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if "id" not in header:
        begins = ",".join(header)[:60]
        raise UserError(f"'{path}' has no column 'id'. Its first line is '{begins}'; it should name the columns.")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"'{path}' has two columns '{twice}'. Give every class its own name.")
    if not rows:
        raise UserError(f"'{path}' has a line of names and no rows. Was it cut short?")
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise UserError(
                f"'{path}' row {number} has {len(row)} cells, its first line {len(header)} names. Was it cut short?"
            )


def _numbers(table: _Table, classes: Sequence[str]) -> npt.NDArray[np.float64]:
    places = [table.header.index(name) for name in classes]
    found = np.empty((len(table.rows), len(places)))
    for row, cells in enumerate(table.rows):
        for column, place in enumerate(places):
            try:
                found[row, column] = float(cells[place])
            except ValueError:
                raise UserError(
                    f"'{table.path}' row {row + 2} has '{cells[place]}' in the column '{table.header[place]}'. "
                    "Expected a probability."
                ) from None
    return found


def _read_npy(path: Path, ids: Path | None, classes: Path | None) -> PredictionFile:
    array = _load(path)
    names, labels = _ids(path, ids)
    if len(names) != len(array):
        raise UserError(f"'{path}' has {len(array)} rows, and there are {len(names)} ids for them. Give one id a row.")
    probs = array if array.ndim == 2 else None
    return PredictionFile(
        path=path,
        ids=names,
        columns=_columns(path, classes, probs),
        probs=probs,
        predicted=None if probs is not None else [str(label) for label in array.tolist()],
        labels=labels,
        by_index=True,
    )


def _load(path: Path) -> npt.NDArray[Any]:
    try:
        with path.open("rb") as file:
            begins = file.read(len(_MAGIC))
        if begins != _MAGIC:
            raise UserError(f"'{path}' is no .npy file: it begins with {begins!r}. Write it with numpy.save.")
        array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    except OSError as error:
        raise UserError(f"Cannot read '{path}': {error.strerror or error}.") from None
    except (ValueError, EOFError) as error:
        raise _unreadable(path, str(error)) from None
    if (array.ndim, array.dtype.kind) not in {(2, "f"), (1, "i"), (1, "u")} or 0 in array.shape:
        raise UserError(
            f"'{path}' holds {array.dtype} of shape {array.shape}. Expected probabilities, float (images, classes), or "
            "predicted classes, int (images,)."
        )
    return array


def _unreadable(path: Path, why: str) -> UserError:
    if "pickle" in why:
        return UserError(f"'{path}' is an array of objects, which could run code when read. Save it as float32.")
    return UserError(f"'{path}' cannot be read: {why.splitlines()[0]}. Was it cut short?")


def _ids(path: Path, given: Path | None) -> tuple[Sequence[str], Sequence[str] | None]:
    """Ids and, if the file has them, labels."""
    beside = [path.with_suffix(".ids.csv"), path.with_suffix(".ids.txt")]
    file = given or next((file for file in beside if file.is_file()), None)
    if file is None:
        wanted = " or ".join(f"'{file}'" for file in beside)
        raise UserError(
            f"'{path}' needs the ids of its rows: in {wanted}, or in a file named with --val-ids/--test-ids."
        )
    if file.suffix.lower() != ".csv":
        return read_lines(file), None
    table = _read_table(file)
    return table.column("id") or (), table.column("label")


def _columns(path: Path, given: Path | None, probs: npt.NDArray[Any] | None) -> tuple[str, ...] | None:
    file = given or path.with_suffix(".classes.txt")
    if probs is None or (given is None and not file.is_file()):
        return None
    names = read_lines(file)
    if len(names) != probs.shape[1] or len(set(names)) != len(names):
        raise UserError(f"'{file}' names {len(set(names))} classes, '{path}' has {probs.shape[1]} columns.")
    return names
