"""Rows of a file in the order of the known images, columns in the order of the labels: by name, never by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import UserError
from bench.predictions.add.prediction_file import PredictionFile
from bench.predictions.add.probabilities import certain, log_probabilities
from bench.predictions.add.reference import KnownSplit


@dataclass(frozen=True, eq=False)
class AlignedSplit:
    """One split of an added run, in the order of the known images.

    Attributes:
        labels: N classes; None: unknown.
        log_probs: float32 (N, C), columns in label order.
    """

    ids: tuple[str, ...]
    labels: tuple[int, ...] | None
    log_probs: npt.NDArray[np.float32]


def align(file: PredictionFile, names: tuple[str, ...], known: KnownSplit, where: str) -> AlignedSplit:
    """Brings a file into the order of the known images and classes.

    Args:
        file: the file.
        names: classes in label order.
        known: ids and labels of the split.
        where: source of the known images, for messages.

    Raises:
        UserError: ids, columns or labels that do not match, or values that are no probabilities.
    """
    order = _row_order(file, known.ids, where)
    ids, log_probs = tuple(file.ids[row] for row in order), _log_probs(file, names)[order]
    if file.labels is None:
        return AlignedSplit(ids, known.labels, log_probs)
    labels = _class_indices(file, file.labels, names, "label")[order]
    if known.labels is not None:
        _check_labels(file.path, ids, [[names[label] for label in found] for found in (labels, known.labels)], where)
    return AlignedSplit(ids, tuple(labels.tolist()), log_probs)


def class_names(file: PredictionFile, known: tuple[str, ...] | None) -> tuple[str, ...]:
    """The classes in label order: the known ones, else those of the file.

    Raises:
        UserError: no known ones, and the file holds only predicted classes, so that some may be missing.
    """
    if known is not None:
        return known
    if file.columns is not None:
        indices = tuple(map(str, range(len(file.columns))))
        return indices if set(file.columns) == set(indices) else file.columns
    if file.probs is not None:
        return tuple(map(str, range(file.probs.shape[1])))
    raise UserError(
        f"'{file.path}' holds predicted classes alone, and nothing says how many classes there are. Name them with "
        "--classes FILE, or choose the data set with --data."
    )


def _row_order(file: PredictionFile, known: Sequence[str] | None, where: str) -> npt.NDArray[np.intp]:
    """The row (N,) of each known image; without known images the rows as they are."""
    ids = file.ids
    twice, count = Counter(ids).most_common(1)[0]
    if "" in ids or count > 1:
        named = f"'{twice}' {count} times" if count > 1 else f"no id in row {ids.index('') + 1}"
        raise UserError(f"'{file.path}' has {named}. Expected every image once.")
    if known is None:
        return np.arange(len(ids))
    place = {name: row for row, name in enumerate(ids)}
    _check_same(file.path, set(ids), set(known), where)
    return np.array([place[name] for name in known], dtype=np.intp)


def _check_same(path: Path, ids: set[str], known: set[str], where: str) -> None:
    missing, extra = sorted(known - ids), sorted(ids - known)
    if not missing and not extra:
        return
    lacks = f"lacks {len(missing)} of {len(known)} images, such as '{missing[0]}'" if missing else ""
    has = f"has {len(extra)} that are not there, such as '{extra[0]}'" if extra else ""
    raise UserError(
        f"'{path}' {' and '.join(filter(None, (lacks, has)))}. Expected the images of {where}, in any order."
    )


def _log_probs(file: PredictionFile, names: tuple[str, ...]) -> npt.NDArray[np.float32]:
    if file.predicted is not None:
        words = tuple(map(str, range(len(names)))) if file.by_index else names
        return certain(_class_indices(file, file.predicted, words, "prediction"), len(names))
    assert file.probs is not None
    return log_probabilities(file.probs[:, _column_order(file, names)], file.ids, file.path)


def _check_labels(path: Path, ids: Sequence[str], labels: Sequence[Sequence[str]], where: str) -> None:
    """`labels`: names of the classes (N,) in the file, and the known ones."""
    differ = [image for image in zip(ids, *labels, strict=True) if image[1] != image[2]]
    if differ:
        name, found, known = differ[0]
        raise UserError(
            f"'{path}' gives '{name}' the label {found}, and {where} say {known} ({len(differ)} of {len(ids)} differ)."
        )


def _class_indices(
    file: PredictionFile, words: Sequence[str], names: Sequence[str], column: str
) -> npt.NDArray[np.int64]:
    """Classes int64 (N,) from names or indices as text."""
    known = {str(number): number for number in range(len(names))} | {name: i for i, name in enumerate(names)}
    outside = next(((name, word) for name, word in zip(file.ids, words, strict=True) if word not in known), None)
    if outside is not None:
        raise UserError(
            f"'{file.path}' gives '{outside[0]}' the {column} '{outside[1]}', which is no class. Expected a class name "
            f"or 0 to {len(names) - 1}."
        )
    return np.array([known[word] for word in words], dtype=np.int64)


def _column_order(file: PredictionFile, names: Sequence[str]) -> npt.NDArray[np.intp]:
    """The column (C,) of the file that holds each class."""
    assert file.probs is not None
    columns, width = file.columns, file.probs.shape[1]
    if columns is None:
        if width != len(names):
            raise UserError(
                f"'{file.path}' has {width} columns, and there are {len(names)} classes. Expected one for each."
            )
        return np.arange(width)
    indices = tuple(map(str, range(len(names))))
    wanted = indices if set(columns) == set(indices) and set(columns) != set(names) else tuple(names)
    missing = [name for name in wanted if name not in columns]
    extra = [name for name in columns if name not in wanted]
    if missing or extra:
        lacks = f" lacks {_first_of('class', missing)}" if missing else ""
        has = f"{' and' * bool(missing)} has {_first_of('unknown column', extra)}" if extra else ""
        raise UserError(f"'{file.path}'{lacks}{has}. Expected one column for each of {len(names)} classes.")
    return np.array([columns.index(name) for name in wanted])


def _first_of(kind: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"the {kind} '{names[0]}'{more}"
