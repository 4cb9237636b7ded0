"""Which record made reading fail. Slow, and so only asked after something did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bench.data import records
from bench.errors import UserError


@contextmanager
def named_faults(shards: Iterable[Path]) -> Iterator[None]:
    """Turn TensorFlow's error inside the block into a UserError that names the shard and the record.

    An error that no record explains is left as it is.
    """
    try:
        yield
    except tensorflow_errors() as error:
        fault = _first_fault(list(shards))
        if fault is None:
            raise
        raise fault from error


def _first_fault(shards: Sequence[Path]) -> UserError | None:
    with ThreadPoolExecutor() as pool:
        return next((fault for fault in pool.map(_fault, shards) if fault is not None), None)


def _fault(shard: Path) -> UserError | None:
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


def tensorflow_errors() -> tuple[type[Exception], ...]:
    """What TensorFlow raises of a bad record."""
    import tensorflow as tf

    # TensorFlow quotes a bad record in its message, and then cannot decode its own message.
    return tf.errors.OpError, UnicodeDecodeError
