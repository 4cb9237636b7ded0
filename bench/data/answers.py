"""`answers.csv`: the labels of a test split, for scoring only."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import UserError


def read_answers(path: Path, ids: Sequence[str], class_count: int, *, exact: bool = False) -> NDArray[np.int64]:
    """Labels int64 (N,) in the order of the ids. Rows of other ids are ignored unless `exact`.

    Raises:
        UserError: unreadable, or not `id,label` rows, an id without an answer or with two, a label outside the classes;
            if `exact`, an id without an image.
    """
    try:
        labels = _read(path)
    except OSError as error:
        raise UserError(f"Cannot read '{path}': {error.strerror}.") from None
    except csv.Error as error:
        raise UserError(f"'{path}' is not a CSV file: {error}.") from None
    strangers = labels.keys() - set(ids)
    if exact and strangers:
        raise UserError(f"'{path}' has {len(strangers)} ids that are not test images, such as '{min(strangers)}'.")
    missing = [name for name in ids if name not in labels]
    if missing:
        raise UserError(f"'{path}' has no answer for {len(missing)} of {len(ids)} test images, such as '{missing[0]}'.")
    outside = next((name for name in ids if not 0 <= labels[name] < class_count), None)
    if outside is not None:
        raise UserError(f"'{path}' gives '{outside}' the label {labels[outside]}. Expected 0 to {class_count - 1}.")
    return np.array([labels[name] for name in ids], np.int64)


def _read(path: Path) -> dict[str, int]:
    labels: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames is None or not {"id", "label"} <= set(reader.fieldnames):
            raise UserError(f"'{path}' must begin with the line id,label.")
        for row in reader:
            try:
                label = int(row["label"] or "")
            except ValueError:
                raise UserError(
                    f"'{path}' line {reader.line_num} has the label '{row['label'] or ''}'. Expected an integer."
                ) from None
            if labels.setdefault(row["id"], label) != label:
                raise UserError(f"'{path}' line {reader.line_num} gives '{row['id']}' a second label.")
    return labels
