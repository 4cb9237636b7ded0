"""Read a data set once, check all of it, and keep what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.data import index, records
from bench.data.answers import read_answers
from bench.data.checks import Columns, check_labels, check_records, check_same_images, check_unique_ids
from bench.data.index import DataIndex, SplitIndex
from bench.data.layout import SPLITS
from bench.data.reading import named_faults
from bench.data.remote.copies import open_for_job
from bench.data.source import DataSource
from bench.errors import UserError
from bench.jobs.messages import Emit, PrepareJob, Progress

if TYPE_CHECKING:
    import tensorflow as tf


# Rows fetched from TensorFlow at a time; they carry no pixels.
_ROWS = 256


def scan(source: DataSource, px_list: Sequence[int]) -> DataIndex:
    """Decode every picture that these resolutions are read from, check every record and cache the index.

    Raises:
        UserError: nothing as large is there, or the first thing that is wrong, with the shard or the id.
    """
    sides = sorted({source.stored_px(px) for px in px_list})
    found = [_read(side, source.shards[side]) for side in sides]
    for columns in (columns for splits in found for columns in splits.values()):
        check_records(columns)
    splits = found[0]
    for others in found[1:]:
        _check_same(splits, others)
    check_unique_ids(splits.values())
    class_names = source.class_names or _numbered_classes(splits)
    for columns in splits.values():
        check_labels(columns, len(class_names))
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
    paths = [path for split in shards.values() for path in split]
    with named_faults(paths):
        numbers, ids, labels, sizes, digests = _rows(paths)
    columns: dict[str, Columns] = {}
    first = 0
    for split, of_split in shards.items():
        rows = np.flatnonzero((numbers >= first) & (numbers < first + len(of_split)))
        names = tuple(ids[row] for row in rows)
        columns[split] = Columns(
            split, image_px, of_split, numbers[rows] - first, names, labels[rows], sizes[rows], digests[rows]
        )
        first += len(of_split)
    return columns


def _rows(
    paths: Sequence[Path],
) -> tuple[NDArray[np.int64], list[str], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
    """Per record: the number of its shard, id, label, (height, width), and a digest of the encoded picture."""
    import tensorflow as tf

    dataset = (
        tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
        .enumerate()
        .flat_map(lambda number, path: tf.data.TFRecordDataset(path).map(lambda record: (number, record)))
        .map(_describe, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(_ROWS)
    )
    ids: list[str] = []
    numbers = [np.zeros((0, 5), np.int64)]
    for names, values in dataset.as_numpy_iterator():
        ids += [records.text(name) for name in names]
        numbers.append(values)
    shard, label, height, width, digest = np.concatenate(numbers).T
    return shard, ids, label, np.stack([height, width], axis=1), digest.astype(np.uint64)


def _describe(number: tf.Tensor, serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    import tensorflow as tf

    record = records.parse(serialized)
    shape = tf.shape(records.decode(record["image"]), tf.int64)
    # 64 bits of FarmHash: among 24,000 different pictures two alike have a chance of 2e-11.
    digest = tf.bitcast(tf.fingerprint(record["image"][None])[0], tf.int64)
    return record["id"], tf.stack([number, record["class"], shape[0], shape[1], digest])


def _check_same(splits: Mapping[str, Columns], others: Mapping[str, Columns]) -> None:
    px, other_px = (next(iter(found.values())).image_px for found in (splits, others))
    for split in {**splits, **others}:
        if split not in splits or split not in others:
            only = px if split in splits else other_px
            raise UserError(f"The split {split} is only at {only} px. Add it at both {px} and {other_px} px.")
        check_same_images(splits[split], others[split])


def _seen_before(splits: Mapping[str, Columns], split: str) -> int:
    """How many pictures of a split are, byte for byte, in a split before it."""
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
    return None if (test.labels == records.NO_CLASS).any() else test.labels


def handle(job: PrepareJob, emit: Emit, _: Path) -> None:
    """Handler for checks of a data set: leaves its index in the cache.

    Raises:
        UserError: a fault in the data, in one line.
    """
    source = open_for_job(job.data, job.resolutions, emit)
    emit(Progress(run_id="", phase="checking the data"))
    scan(source, job.resolutions)
