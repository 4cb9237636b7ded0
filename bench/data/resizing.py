"""How a resolution that is not there is made from a larger one: the same operation wherever pictures are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

# Part of the fingerprint of what is made: another operation is another data set.
METHOD = "area"


def resized(pictures: tf.Tensor, px: int) -> tf.Tensor:
    """Square pictures shrunk: each pixel is the mean of the area that it covers, rounded.

    Args:
        pictures: uint8 (n, n, 3) or (b, n, n, 3), n of at least `px`.
        px: the side wanted.

    Returns:
        uint8 (px, px, 3) or (b, px, px, 3).
    """
    import tensorflow as tf

    return tf.cast(tf.round(tf.image.resize(pictures, (px, px), METHOD)), tf.uint8)
