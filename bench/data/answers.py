"""`answers.csv`: the labels of a test split, for scoring only."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import UserError


def read_answers(path: Path, ids: Sequence[str], class_count: int) -> NDArray[np.int64]:
    """Labels int64 (N,) in the order of the ids. Rows of other ids are passed over.

    Raises:
        UserError: not `id,label` rows, an id without an answer or with two, a label outside the classes.
    """
    labels = _rows(path)
    missing = [name for name in ids if name not in labels]
    if missing:
        raise UserError(f"'{path}' has no answer for {len(missing)} of {len(ids)} test images, such as '{missing[0]}'.")
    found = np.array([labels[name] for name in ids], np.int64)
    outside = np.flatnonzero((found < 0) | (found >= class_count))
    if outside.size:
        name = ids[outside[0]]
        raise UserError(f"'{path}' gives '{name}' the label {labels[name]}. Expected 0 to {class_count - 1}.")
    return found


def _rows(path: Path) -> dict[str, int]:
    labels: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames is None or not {"id", "label"} <= set(reader.fieldnames):
            raise UserError(f"'{path}' must begin with the line id,label.")
        for row in reader:
            label = _label(path, reader.line_num, row["label"])
            if labels.setdefault(row["id"], label) != label:
                raise UserError(f"'{path}' line {reader.line_num} gives '{row['id']}' a second label.")
    return labels


def _label(path: Path, line: int, value: str | None) -> int:
    try:
        return int(value or "")
    except ValueError:
        raise UserError(f"'{path}' line {line} has the label '{value or ''}'. Expected an integer.") from None
