"""Checks of the records of a data set, before a run is trained on them. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.records import NO_CLASS, claimed_count
from bench.errors import UserError


@dataclass(frozen=True)
class Columns:
    """One split at one resolution, one value for each record, in reading order.

    Attributes:
        split: its name.
        image_px: the expected side of its pictures.
        shards: its files.
        shard_numbers: int64 (N,), the place in `shards` of a record's file.
        ids: N ids, "" if absent.
        labels: int64 (N,), `NO_CLASS` if absent.
        sizes: int64 (N, 2), height and width of the decoded picture.
        digests: uint64 (N,), of the encoded picture.
    """

    split: str
    image_px: int
    shards: Sequence[Path]
    shard_numbers: NDArray[np.int64]
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    sizes: NDArray[np.int64]
    digests: NDArray[np.uint64]

    def where(self, row: int) -> str:
        """Shard and number of a record, for errors."""
        shard = self.shard_numbers[row]
        number = row - np.flatnonzero(self.shard_numbers == shard)[0] + 1
        return f"'{self.shards[shard]}' record {number}"


def check_records(columns: Columns) -> None:
    """No record is missing; each has an id, a class unless in test, and a picture of the right size."""
    _check_counts(columns)
    nameless = [row for row, name in enumerate(columns.ids) if not name]
    if nameless:
        raise UserError(f"{columns.where(nameless[0])} has no id. Expected a unique string in the feature 'id'.")
    unlabelled = np.flatnonzero(columns.labels == NO_CLASS)
    if columns.split != "test" and unlabelled.size:
        row = int(unlabelled[0])
        raise UserError(
            f"{columns.where(row)}, id '{columns.ids[row]}', has no class. "
            f"Every record of {columns.split} needs an int64 'class' of 0 or more."
        )
    _check_sizes(columns)


def check_same_images(one: Columns, other: Columns) -> None:
    """Two resolutions of a split hold the same ids in the same order with the same labels."""
    where = f"{one.split} at {one.image_px} and {other.image_px} px"
    for here, there in ((one, other), (other, one)):
        unmatched = set(here.ids) - set(there.ids)
        if unmatched:
            example = next(name for name in here.ids if name in unmatched)
            raise UserError(f"{where} hold different ids: '{example}' is only at {here.image_px} px. Make both anew.")
    for row, (name, twin) in enumerate(zip(one.ids, other.ids, strict=True)):
        if name != twin:
            raise UserError(
                f"{where} have different orders: image {row + 1} is '{name}' and '{twin}'. Sort both alike."
            )
    differing = np.flatnonzero(one.labels != other.labels)
    if differing.size:
        row = int(differing[0])
        labels = f"{one.labels[row]} and {other.labels[row]}"
        raise UserError(f"{where} have different labels: id '{one.ids[row]}' has {labels}. Make both anew.")


def check_unique_ids(splits: Iterable[Columns]) -> None:
    """No id occurs twice, within a split or in two splits."""
    seen: dict[str, str] = {}
    for columns in splits:
        for row, name in enumerate(columns.ids):
            here = columns.where(row) if name in seen else columns.split
            if name in seen:
                raise UserError(f"The id '{name}' occurs twice: in {seen[name]} and at {here}. Ids must be unique.")
            seen[name] = here


def check_labels(columns: Columns, class_count: int) -> None:
    """Every label is a class."""
    labels = columns.labels
    outside = np.flatnonzero((labels != NO_CLASS) & ((labels < 0) | (labels >= class_count)))
    if outside.size:
        row = int(outside[0])
        raise UserError(
            f"{columns.where(row)}, id '{columns.ids[row]}', has the label {labels[row]}. "
            f"Expected 0 to {class_count - 1}: mend the record, or add the class to classes.txt."
        )


def _check_counts(columns: Columns) -> None:
    counts = np.bincount(columns.shard_numbers, minlength=len(columns.shards))
    for shard, count in zip(columns.shards, counts.tolist(), strict=True):
        claim = claimed_count(shard)
        if claim is not None and claim != count:
            raise UserError(f"'{shard}' holds {count} records, its name says {claim}. Copy it again, or rename it.")
    if not columns.ids:
        raise UserError(
            f"The shards of {columns.split} at {columns.image_px} px, in '{columns.shards[0].parent}', are empty."
        )


def _check_sizes(columns: Columns) -> None:
    px = columns.image_px
    wrong = np.flatnonzero((columns.sizes != px).any(axis=1))
    if wrong.size:
        row = int(wrong[0])
        height, width = columns.sizes[row].tolist()
        raise UserError(
            f"{columns.where(row)}: the picture of id '{columns.ids[row]}' is {width} x {height} pixels. "
            f"Expected {px} x {px}: resize it, or move the shard."
        )
