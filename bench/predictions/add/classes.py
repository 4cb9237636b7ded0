"""Columns and labels of a file, which go by name or by index, as classes in label order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import UserError
from bench.predictions.add.given import Given

Labels = npt.NDArray[np.int64]


def class_names(given: Given, known: tuple[str, ...] | None) -> tuple[str, ...]:
    """The classes in label order: those that are known, else those of the file.

    Raises:
        UserError: none are known, and the file holds predicted classes alone, so that some may be missing.
    """
    if known is not None:
        return known
    if given.columns is not None:
        indices = tuple(map(str, range(len(given.columns))))
        return indices if set(given.columns) == set(indices) else given.columns
    if given.probs is not None:
        return tuple(map(str, range(given.probs.shape[1])))
    raise UserError(
        f"'{given.path}' holds predicted classes alone, and nothing says how many classes there are. Name them with "
        "--classes FILE, or choose the data set with --data."
    )


def column_order(given: Given, names: Sequence[str]) -> npt.NDArray[np.intp]:
    """Which column (C,) of the file each class is.

    Raises:
        UserError: a class without a column, or a column that is no class.
    """
    columns = given.columns
    if columns is None:
        return _by_position(given, names)
    indices = tuple(map(str, range(len(names))))
    wanted = indices if set(columns) == set(indices) and set(columns) != set(names) else tuple(names)
    missing, strange = (
        [name for name in wanted if name not in columns],
        [name for name in columns if name not in wanted],
    )
    if missing or strange:
        lacks = f" lacks {_some('class', missing)}" if missing else ""
        has = f"{' and' * bool(missing)} has {_some('unknown column', strange)}" if strange else ""
        raise UserError(f"'{given.path}'{lacks}{has}. Expected one column for each of {len(names)} classes.")
    place = {name: number for number, name in enumerate(columns)}
    return np.array([place[name] for name in wanted])


def class_indices(words: Sequence[str], names: Sequence[str], ids: Sequence[str], path: Path, what: str) -> Labels:
    """Labels int64 (N,) from names or indices as text.

    Raises:
        UserError: a word that is neither; it is named with its image.
    """
    known = {str(number): number for number in range(len(names))} | {name: i for i, name in enumerate(names)}
    outside = next(((name, word) for name, word in zip(ids, words, strict=True) if word not in known), None)
    if outside is not None:
        raise UserError(
            f"'{path}' gives '{outside[0]}' the {what} '{outside[1]}', which is no class. Expected a class name or "
            f"0 to {len(names) - 1}."
        )
    return np.array([known[word] for word in words], dtype=np.int64)


def _by_position(given: Given, names: Sequence[str]) -> npt.NDArray[np.intp]:
    width = len(names) if given.probs is None else given.probs.shape[1]
    if width != len(names):
        raise UserError(
            f"'{given.path}' has {width} columns, and there are {len(names)} classes. Expected one for each."
        )
    return np.arange(width)


def _some(kind: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"the {kind} '{names[0]}'{more}"
