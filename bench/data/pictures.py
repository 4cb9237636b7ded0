"""Records of a split in any order, read where they lie: a shuffled epoch needs the thousandth picture first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.data.records import spans
from bench.data.stored import Stored

if TYPE_CHECKING:
    import tensorflow as tf


class Pictures:
    """The pictures of a split, by row.

    The files are mapped, not loaded: the system keeps in memory what it has room for, and shares it between processes.
    """

    def __init__(self, stored: Stored) -> None:
        """`stored`: scanned before: checksums are not verified again."""
        self._stored = stored
        self._contents = [np.memmap(shard, np.uint8, mode="r") for shard in stored.paths]
        self._places = [
            (number, start, end) for number, content in enumerate(self._contents) for start, end in spans(content)
        ]

    def __len__(self) -> int:
        return len(self._places)

    def serialized(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """The records of these rows, as bytes (b,)."""
        return np.array([self._record(row) for row in rows], dtype=object)

    def decoded(self, rows: tf.Tensor) -> tf.Tensor:
        """The pictures of these rows, uint8 (b, px, px, 3), as a part of a graph."""
        import tensorflow as tf

        found = tf.numpy_function(self.serialized, [rows], tf.string, stateful=False)
        found = tf.ensure_shape(found, [None])
        return tf.map_fn(self._stored.picture, found, fn_output_signature=tf.TensorSpec((None, None, 3), tf.uint8))

    def _record(self, row: int) -> bytes:
        number, start, end = self._places[row]
        return self._contents[number][start:end].tobytes()
