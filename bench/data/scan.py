"""A scan: every record of a data set read once and checked; the result is cached as its index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
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

_ROWS = 256  # fetched from TensorFlow at a time; they carry no pixels


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
    with named_faults([path for split in shards.values() for path in split]):
        return {split: _columns(split, image_px, of_split) for split, of_split in shards.items()}


def _columns(split: str, image_px: int, shards: Sequence[Path]) -> Columns:
    dataset = (
        tf.data.Dataset.from_tensor_slices([str(path) for path in shards])
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
    shard, labels, height, width, digests = np.concatenate(rows).T
    sizes = np.stack([height, width], axis=1)
    return Columns(split, image_px, shards, shard, tuple(ids), labels, sizes, digests.astype(np.uint64))


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
        check_same_images(splits[split], others[split])


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
    return None if (test.labels == records.NO_CLASS).any() else test.labels
