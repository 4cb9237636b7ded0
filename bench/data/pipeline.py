"""Batches of decoded pictures, in the order of the records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.stored import Stored

if TYPE_CHECKING:
    import tensorflow as tf


def images(stored: Stored, batch: int) -> tf.data.Dataset:
    """Every picture of these shards once, in record order; the last batch may be smaller.

    Iterate under `faults.named_faults(stored.paths)`, so that a picture which does not decode is named.

    Args:
        stored: shards of one resolution, of one split or several.
        batch: pictures a batch.

    Returns:
        A dataset of uint8 (b, px, px, 3), decoded, and shrunk where asked for, in parallel and prefetched.
    """
    import tensorflow as tf

    pictures = tf.data.TFRecordDataset(stored.names).map(
        stored.picture, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return pictures.batch(batch).prefetch(tf.data.AUTOTUNE)
