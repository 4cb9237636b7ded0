"""Pictures of shards as inputs of the loop."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from bench.data.pictures import Pictures
from bench.data.stored import Stored


class PictureSource:
    """Decoded pictures by row: uint8 (b, px, px, 3). They come as they are; views are made on the device."""

    def __init__(self, stored: Stored, image_px: int) -> None:
        self._pictures = Pictures(stored)
        self.spec = tf.TensorSpec((None, image_px, image_px, 3), tf.uint8)

    def lookup(self, rows: Any, views: Any) -> Any:
        """The pictures of these rows."""
        return self._pictures.decoded(rows)
