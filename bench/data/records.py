"""The record schema of the Kaggle flower data: `image` (JPEG or PNG bytes), `class` (int64), `id` (string)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import tensorflow as tf

NO_CLASS = -1

_LENGTH, _CHECKSUM = 8, 4  # bytes: a record is its length, its checksum, the content, its checksum
_CLAIM = re.compile(r"-(\d+)\.tfrec$")


class Record(NamedTuple):
    """One picture.

    Attributes:
        image: encoded bytes, JPEG or PNG.
        label: its class, or `NO_CLASS` as in a test split.
        id: unique in the data set.
    """

    image: bytes
    label: int
    id: str


def claimed_count(shard: Path) -> int | None:
    """The number of records in the name of a shard, or None: 230 for `flowers00-230.tfrec`."""
    match = _CLAIM.search(shard.name)
    return int(match[1]) if match else None


def count_records(shard: Path) -> int | None:
    """The number of records in a TFRecord file, or None if it ends within one. Reads 8 bytes of each.

    Raises:
        OSError: unreadable.
    """
    size = shard.stat().st_size
    content = np.memmap(shard, np.uint8, mode="r") if size else np.empty(0, np.uint8)
    ends = [end + _CHECKSUM for _, end in spans(content)]
    return len(ends) if [0, *ends][-1] == size else None


def spans(content: npt.NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Start and end of each record of a TFRecord file; the last end lies beyond a truncated file."""
    position = 0
    while position < len(content):
        start = position + _LENGTH + _CHECKSUM
        end = start + int.from_bytes(content[position : position + _LENGTH].tobytes(), "little")
        position = end + _CHECKSUM
        yield start, end


def is_whole(shard: Path) -> bool:
    """Whether a shard exists and holds as many records as its name promises."""
    claim = claimed_count(shard)
    try:
        return claim is not None and count_records(shard) == claim
    except OSError:
        return False


def write_shard(folder: Path, number: int, image_px: int, records: Sequence[Record]) -> Path:
    """Writes `NN-{px}x{px}-{count}.tfrec` and returns its path."""
    import tensorflow as tf

    path = folder / f"{number:02d}-{image_px}x{image_px}-{len(records)}.tfrec"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(serialize(record))
    return path


def serialize(record: Record) -> bytes:
    """The bytes of one record; `class` is left out for `NO_CLASS`."""
    import tensorflow as tf

    feature = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[record.image])),
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[record.id.encode()])),
    }
    if record.label != NO_CLASS:
        feature["class"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[record.label]))
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return bytes(example.SerializeToString(deterministic=True))


def parse(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Scalars `image` (string), `class` (int64), `id` (string) of one record; "" or `NO_CLASS` if absent."""
    import tensorflow as tf

    schema = {
        "image": tf.io.FixedLenFeature([], tf.string, ""),
        "class": tf.io.FixedLenFeature([], tf.int64, NO_CLASS),
        "id": tf.io.FixedLenFeature([], tf.string, ""),
    }
    return dict(tf.io.parse_single_example(serialized, schema))


def decode(image: tf.Tensor) -> tf.Tensor:
    """uint8 (height, width, 3) from JPEG or PNG bytes; gray becomes three equal channels, alpha is dropped."""
    import tensorflow as tf

    return tf.io.decode_image(image, channels=3, expand_animations=False)


def text(value: bytes) -> str:
    """An id as text. Ids that are not UTF-8 stay distinct."""
    return value.decode("utf-8", errors="backslashreplace")
