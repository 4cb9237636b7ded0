"""A few pictures of a split, spread evenly over it."""

from __future__ import annotations

from typing import Any

from bench.data.stored import Stored


def excerpt(stored: Stored, images: int, wanted: int) -> Any:
    """Every k-th picture of a split, decoded: uint8 (about `wanted`, px, px, 3), all of them where there are fewer.

    Args:
        stored: shards of one split.
        images: how many records they hold.
        wanted: how many pictures, at the least, where there are so many.
    """
    import tensorflow as tf

    step = max(1, images // wanted)
    chosen = tf.data.TFRecordDataset(stored.names).shard(step, 0).take(wanted)
    return next(iter(chosen.map(stored.picture, num_parallel_calls=tf.data.AUTOTUNE).batch(wanted)))
