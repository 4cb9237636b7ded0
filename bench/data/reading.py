"""Pictures from shards: a pipeline in record order, any rows, an excerpt; and errors that name the bad record.

A resolution that is not stored is made from the next larger one as pictures are read, by the same operation everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.data import records
from bench.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

METHOD = "area"  # of shrinking; part of the fingerprint: another operation is another data set


@dataclass(frozen=True)
class Stored:
    """Shards to read, and the resolution to make of them.

    Attributes:
        paths: shards of one resolution in reading order; those of several splits may be chained.
        made_px: the side to which pictures are shrunk as they are read; None: as stored.
    """

    paths: tuple[Path, ...]
    made_px: int | None = None

    @property
    def names(self) -> list[str]:
        """The shards as TensorFlow takes them."""
        return [str(path) for path in self.paths]

    def picture(self, serialized: tf.Tensor) -> tf.Tensor:
        """The picture of a record, uint8 (px, px, 3)."""
        return self.decoded(records.parse(serialized)["image"])

    def decoded(self, image: tf.Tensor) -> tf.Tensor:
        """The picture of its encoded bytes, uint8 (px, px, 3)."""
        import tensorflow as tf

        pixels = tf.ensure_shape(records.decode(image), [None, None, 3])
        return pixels if self.made_px is None else resized(pixels, self.made_px)


def resized(pictures: tf.Tensor, px: int) -> tf.Tensor:
    """Square pictures shrunk: each pixel is the mean of the area that it covers, rounded.

    Args:
        pictures: uint8 (n, n, 3) or (b, n, n, 3), n of at least `px`.
        px: the new side.

    Returns:
        uint8 (px, px, 3) or (b, px, px, 3).
    """
    import tensorflow as tf

    return tf.cast(tf.round(tf.image.resize(pictures, (px, px), METHOD)), tf.uint8)


def images(stored: Stored, batch: int) -> tf.data.Dataset:
    """Every picture of these shards once, in record order; the last batch may be smaller.

    Iterate under `named_faults(stored.paths)`, so that an error names the picture that does not decode.

    Args:
        stored: shards of one resolution, of one split or several.
        batch: pictures in a batch.

    Returns:
        A dataset of uint8 (b, px, px, 3), decoded (and shrunk) in parallel and prefetched.
    """
    import tensorflow as tf

    pictures = tf.data.TFRecordDataset(stored.names).map(
        stored.picture, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return pictures.batch(batch).prefetch(tf.data.AUTOTUNE)


def excerpt(stored: Stored, images: int, wanted: int) -> Any:
    """Every k-th picture of a split, decoded: uint8 (about `wanted`, px, px, 3); all of a smaller split.

    Args:
        stored: shards of one split.
        images: the number of their records.
        wanted: the least number of pictures, if the split has as many.
    """
    import tensorflow as tf

    step = max(1, images // wanted)
    chosen = tf.data.TFRecordDataset(stored.names).shard(step, 0).take(wanted)
    return next(iter(chosen.map(stored.picture, num_parallel_calls=tf.data.AUTOTUNE).batch(wanted)))


class Pictures:
    """The pictures of a split, by row.

    The files are memory-mapped: the system keeps as much of them in memory as fits, shared between processes.
    """

    def __init__(self, stored: Stored) -> None:
        """`stored`: scanned before; checksums are not verified again."""
        self._stored = stored
        self._contents = [np.memmap(shard, np.uint8, mode="r") for shard in stored.paths]
        self._spans = [
            (number, start, end)
            for number, content in enumerate(self._contents)
            for start, end in records.spans(content)
        ]

    def __len__(self) -> int:
        return len(self._spans)

    def serialized(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """The records of these rows, as bytes (b,)."""
        spans = [self._spans[row] for row in rows]
        return np.array([self._contents[number][start:end].tobytes() for number, start, end in spans], dtype=object)

    def decoded(self, rows: tf.Tensor) -> tf.Tensor:
        """The pictures of these rows, uint8 (b, px, px, 3), as a part of a graph."""
        import tensorflow as tf

        found = tf.numpy_function(self.serialized, [rows], tf.string, stateful=False)
        found = tf.ensure_shape(found, [None])
        return tf.map_fn(self._stored.picture, found, fn_output_signature=tf.TensorSpec((None, None, 3), tf.uint8))


@contextmanager
def named_faults(shards: Iterable[Path]) -> Iterator[None]:
    """Turns TensorFlow's error inside the block into a UserError that names the shard and the record.

    An error that no record explains is raised unchanged.
    """
    try:
        yield
    except tensorflow_errors() as error:
        with ThreadPoolExecutor() as pool:
            fault = next((fault for fault in pool.map(_shard_fault, shards) if fault is not None), None)
        if fault is None:
            raise
        raise fault from error


def tensorflow_errors() -> tuple[type[Exception], ...]:
    """The exceptions that TensorFlow raises for a bad record."""
    import tensorflow as tf

    # TensorFlow quotes a bad record in its message, and then cannot decode its own message.
    return tf.errors.OpError, UnicodeDecodeError


def _shard_fault(shard: Path) -> UserError | None:
    import tensorflow as tf

    number = 0
    try:
        for number, serialized in enumerate(tf.data.TFRecordDataset(str(shard)), start=1):
            fault = _record_fault(serialized, f"'{shard}' record {number}")
            if fault is not None:
                return fault
    except tf.errors.OpError as error:
        offset = re.search(r"record at (\d+)", error.message)
        where = f"record {number + 1}" + (f", byte {offset[1]}" if offset else "")
        return UserError(
            f"'{shard}' is truncated, damaged or not a TFRecord file ({where}). Copy or download it again."
        )
    return None


def _record_fault(serialized: object, where: str) -> UserError | None:
    try:
        record = records.parse(serialized)
    except tensorflow_errors():
        return UserError(f"{where} is not of the form image (bytes), class (int64), id (bytes). Write the shard again.")
    image, name = record["image"], records.text(record["id"].numpy())
    if not image.numpy():
        return UserError(f"{where}, id '{name}', has no image. Expected JPEG or PNG bytes in the feature 'image'.")
    try:
        records.decode(image)
    except tensorflow_errors():
        return UserError(f"{where}: the picture of id '{name}' does not decode. Expected JPEG or PNG; write it again.")
    return None
