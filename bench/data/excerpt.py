"""A few pictures of a split, spread evenly over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.data import records


def excerpt(shards: Sequence[Path], images: int, wanted: int) -> Any:
    """Every k-th picture of a split, decoded: uint8 (about `wanted`, px, px, 3), all of them where there are fewer.

    Args:
        shards: of one split and resolution.
        images: how many records they hold.
        wanted: how many pictures, at the least, where there are so many.
    """
    import tensorflow as tf

    step = max(1, images // wanted)
    chosen = tf.data.TFRecordDataset([str(shard) for shard in shards]).shard(step, 0).take(wanted)
    pictures = chosen.map(
        lambda record: records.decode(records.parse(record)["image"]), num_parallel_calls=tf.data.AUTOTUNE
    )
    return next(iter(pictures.batch(wanted)))
