"""A scan: every record of a data set read once and checked; the result is cached as its index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.data import index, records
from bench.data.answers import read_answers
from bench.data.index import DataIndex, SplitIndex
from bench.data.layout import SPLITS
from bench.data.reading import named_faults
from bench.data.records import NO_CLASS, claimed_count
from bench.data.remote.copies import open_for_job
from bench.data.source import DataSource
from bench.errors import UserError
from bench.jobs.messages import Emit, PrepareJob, Progress

_ROWS = 256  # fetched from TensorFlow at a time; they carry no pixels


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


def handle(job: PrepareJob, emit: Emit, _: Path) -> None:
    """Handler for checks of a data set. The index is left in the cache."""
    source = open_for_job(job.data, job.resolutions, emit)
    emit(Progress(run_id="", phase="checking the data"))
    scan(source, job.resolutions)


def scan(source: DataSource, px_list: Sequence[int]) -> DataIndex:
    """Decodes every picture that these resolutions are read from, checks every record and caches the index.

    Raises:
        UserError: no stored pictures are as large, or the first fault, with its shard or id.
    """
    sides = sorted({source.stored_px(px) for px in px_list})
    found = [_read(side, source.shards[side]) for side in sides]
    for columns in (columns for splits in found for columns in splits.values()):
        _check_records(columns)
    splits = found[0]
    for others in found[1:]:
        _check_same(splits, others)
    _check_unique_ids(splits.values())
    class_names = source.class_names or _numbered_classes(splits)
    for columns in splits.values():
        _check_labels(columns, len(class_names))
    made = DataIndex(
        name=source.name,
        class_names=class_names,
        fingerprints={px: source.fingerprint(px) for px in sorted(set(px_list))},
        splits={split: SplitIndex(columns.ids, columns.labels) for split, columns in splits.items()},
        test_labels=_test_labels(source, splits.get("test"), len(class_names)),
        val_duplicates=_seen_before(splits, "val"),
        test_duplicates=_seen_before(splits, "test"),
    )
    index.save(source, made)
    return made


def _read(image_px: int, shards: Mapping[str, Sequence[Path]]) -> dict[str, Columns]:
    # One pipeline for all splits: building one takes 0.1 s.
    paths = [path for files in shards.values() for path in files]
    with named_faults(paths):
        ids, rows = _rows(paths)
    columns, first = {}, 0
    for split, files in shards.items():
        places = np.flatnonzero((rows[:, 0] >= first) & (rows[:, 0] < first + len(files)))
        shard, labels, height, width, digests = rows[places].T
        names, sizes = tuple(ids[place] for place in places), np.stack([height, width], axis=1)
        columns[split] = Columns(split, image_px, files, shard - first, names, labels, sizes, digests.astype(np.uint64))
        first += len(files)
    return columns


def _rows(paths: Sequence[Path]) -> tuple[list[str], NDArray[np.int64]]:
    """N ids, and int64 (N, 5) as `_describe` returns it."""
    dataset = (
        tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
        .enumerate()
        .flat_map(lambda number, path: tf.data.TFRecordDataset(path).map(lambda record: (number, record)))
        .map(_describe, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(_ROWS)
    )
    ids: list[str] = []
    rows = [np.zeros((0, 5), np.int64)]
    for names, values in dataset.as_numpy_iterator():
        ids += [records.text(name) for name in names]
        rows.append(values)
    return ids, np.concatenate(rows)


def _describe(number: tf.Tensor, serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Id, and int64 (5,): the number of the shard, label, height, width, digest of the encoded picture."""
    record = records.parse(serialized)
    shape = tf.shape(records.decode(record["image"]), tf.int64)
    # 64 bits of FarmHash: two of 24,000 different pictures share a digest with probability 2e-11.
    digest = tf.bitcast(tf.fingerprint(record["image"][None])[0], tf.int64)
    return record["id"], tf.stack([number, record["class"], shape[0], shape[1], digest])


def _check_same(splits: Mapping[str, Columns], others: Mapping[str, Columns]) -> None:
    px, other_px = (next(iter(found.values())).image_px for found in (splits, others))
    for split in {**splits, **others}:
        if split not in splits or split not in others:
            only = px if split in splits else other_px
            raise UserError(f"The split {split} is only at {only} px. Add it at both {px} and {other_px} px.")
        _check_same_images(splits[split], others[split])


def _seen_before(splits: Mapping[str, Columns], split: str) -> int:
    """The number of pictures of a split that are, byte for byte, in an earlier split."""
    if split not in splits:
        return 0
    before = SPLITS[: SPLITS.index(split)]
    seen = np.concatenate([splits[name].digests for name in before])
    return int(np.isin(splits[split].digests, seen).sum())


def _numbered_classes(splits: Mapping[str, Columns]) -> tuple[str, ...]:
    largest = max(int(splits[split].labels.max()) for split in ("train", "val"))
    return tuple(map(str, range(largest + 1)))


def _test_labels(source: DataSource, test: Columns | None, class_count: int) -> NDArray[np.int64] | None:
    if test is None:
        return None
    if source.answers is not None:
        return read_answers(source.answers, test.ids, class_count)
    return None if (test.labels == NO_CLASS).any() else test.labels


def _check_records(columns: Columns) -> None:
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


def _check_same_images(one: Columns, other: Columns) -> None:
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


def _check_unique_ids(splits: Iterable[Columns]) -> None:
    """No id occurs twice, within a split or in two splits."""
    seen: dict[str, str] = {}
    for columns in splits:
        for row, name in enumerate(columns.ids):
            here = columns.where(row) if name in seen else columns.split
            if name in seen:
                raise UserError(f"The id '{name}' occurs twice: in {seen[name]} and at {here}. Ids must be unique.")
            seen[name] = here


def _check_labels(columns: Columns, class_count: int) -> None:
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
