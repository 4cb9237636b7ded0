"""Batches of decoded pictures, in the order of the records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data import records

if TYPE_CHECKING:
    import tensorflow as tf


def images(shards: Sequence[Path], batch: int) -> tf.data.Dataset:
    """Every picture of these shards once, in record order; the last batch may be smaller.

    Iterate under `faults.named_faults(shards)`, so that a picture which does not decode is named.

    Args:
        shards: of one resolution; those of several splits may be chained.
        batch: pictures a batch.

    Returns:
        A dataset of uint8 (b, px, px, 3), decoded in parallel and prefetched.
    """
    import tensorflow as tf

    pictures = tf.data.TFRecordDataset([str(shard) for shard in shards]).map(
        _picture, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return pictures.batch(batch).prefetch(tf.data.AUTOTUNE)


def _picture(serialized: tf.Tensor) -> tf.Tensor:
    return records.decode(records.parse(serialized)["image"])
