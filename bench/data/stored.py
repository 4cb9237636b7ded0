"""Shards of one resolution, and the side that their pictures get when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data import records
from bench.data.resizing import resized

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Stored:
    """What every reader of pictures is given, so that all of them make a missing resolution alike.

    Attributes:
        paths: shards of one resolution in reading order; those of several splits may be chained.
        made_px: the side to which pictures are shrunk as they are read; None: they stay as they are.
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
