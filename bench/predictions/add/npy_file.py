"""Predictions from an `.npy` file: float (N, C), or int (N,) where only predicted classes are known.

An array has no names, so its ids come from a file beside it: `preds.ids.txt`, one id a line, or `preds.ids.csv` with
`id` and optionally `label`; its classes from `preds.classes.txt`, one name a line. Nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import UserError
from bench.predictions.add.csv_file import read_table
from bench.predictions.add.given import Given

_MAGIC = b"\x93NUMPY"


def read_npy(path: Path, ids: Path | None, classes: Path | None) -> Given:
    """The predictions of an array.

    Args:
        ids: file of the rows' ids; None: the one beside it.
        classes: file of the columns' names; None: the one beside it, where there is one.

    Raises:
        UserError: no array, one of objects, one of another shape or kind, one cut short; ids that are missing or of
            another number.
    """
    array = _load(path)
    names, labels = _ids(path, ids)
    if len(names) != len(array):
        raise UserError(f"'{path}' has {len(array)} rows, and there are {len(names)} ids for them. Give one id a row.")
    probs = array if array.ndim == 2 else None
    return Given(
        path=path,
        ids=names,
        columns=_columns(path, classes, probs),
        probs=probs,
        predicted=None if probs is not None else [str(label) for label in array.tolist()],
        labels=labels,
        by_index=True,
    )


def read_lines(path: Path) -> tuple[str, ...]:
    """A text file with one entry a line.

    Raises:
        UserError: it cannot be read, or has an empty line.
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
    """Ids and, where the file has them, labels."""
    file = given or next((beside for beside in _beside(path) if beside.is_file()), None)
    if file is None:
        wanted = " or ".join(f"'{beside}'" for beside in _beside(path))
        raise UserError(
            f"'{path}' needs the ids of its rows: in {wanted}, or in a file named with --val-ids/--test-ids."
        )
    if file.suffix.lower() != ".csv":
        return read_lines(file), None
    table = read_table(file)
    return table.column("id") or (), table.column("label")


def _beside(path: Path) -> tuple[Path, Path]:
    return path.with_suffix(".ids.csv"), path.with_suffix(".ids.txt")


def _columns(path: Path, given: Path | None, probs: npt.NDArray[Any] | None) -> tuple[str, ...] | None:
    file = given or path.with_suffix(".classes.txt")
    if probs is None or (given is None and not file.is_file()):
        return None
    names = read_lines(file)
    if len(names) != probs.shape[1] or len(set(names)) != len(names):
        raise UserError(f"'{file}' names {len(set(names))} classes, '{path}' has {probs.shape[1]} columns.")
    return names
