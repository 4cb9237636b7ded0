"""Predictions from a CSV file: `id`, optionally `label`, and one column per class; or `id` and `prediction`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import UserError
from bench.predictions.add.given import Given

RESERVED = ("id", "label", "prediction")


@dataclass(frozen=True)
class Table:
    """A CSV file as text.

    Attributes:
        header: names of the columns, none twice.
        rows: cells, as many in each row as there are columns.
    """

    path: Path
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]

    def column(self, name: str) -> list[str] | None:
        """Its cells; None where there is no such column."""
        if name not in self.header:
            return None
        place = self.header.index(name)
        return [row[place].strip() for row in self.rows]


def read_csv(path: Path) -> Given:
    """The predictions of a CSV file.

    Raises:
        UserError: not CSV, no `id`, a row of another length than the header, a cell that is no number.
    """
    table = read_table(path)
    classes = tuple(name for name in table.header if name not in RESERVED)
    predicted = table.column("prediction")
    if predicted is None and not classes:
        raise UserError(
            f"'{path}' has neither a column per class nor a column 'prediction': {', '.join(table.header)}. "
            "Call the column of predicted classes 'prediction'."
        )
    if predicted is not None and classes:
        raise UserError(f"'{path}' has a column 'prediction' and class columns such as '{classes[0]}'. Keep one kind.")
    return Given(
        path=path,
        ids=table.column("id") or (),
        columns=classes or None,
        probs=_numbers(table, classes) if classes else None,
        predicted=predicted,
        labels=table.column("label"),
    )


def read_table(path: Path) -> Table:
    """A CSV file with an `id` column.

    Raises:
        UserError: it cannot be read or is something else.
    """
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
    _check_shape(path, header, rows[1:])
    return Table(path, header, rows[1:])


def _check_shape(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
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


def _numbers(table: Table, classes: Sequence[str]) -> npt.NDArray[np.float64]:
    places = [table.header.index(name) for name in classes]
    try:
        return np.array([[float(row[place]) for place in places] for row in table.rows])
    except ValueError:
        number, name, cell = next(
            (number, table.header[place], row[place])
            for number, row in enumerate(table.rows, 2)
            for place in places
            if not _is_number(row[place])
        )
    raise UserError(f"'{table.path}' row {number} has '{cell}' in the column '{name}'. Expected a probability.")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
