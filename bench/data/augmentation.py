"""Order and augmentation of training images: pure functions of (seed, epoch, image), so that epochs can be repeated."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Augmentation = Literal["none", "flip", "flip_rotate", "colour"]
VIEWS: dict[str, int] = {"none": 1, "flip": 2, "flip_rotate": 8, "colour": 2}
COLOUR = 0.2  # brightness, contrast and saturation each change by a factor of 1 - COLOUR to 1 + COLOUR

_SHUFFLE, _FLIP, _COLOUR = 0, 1, 2  # independent streams of random numbers


def epoch_order(seed: int, epoch: int, images: int) -> npt.NDArray[np.int64]:
    """The order of the training images in an epoch, each once: int64 (N,)."""
    return np.random.default_rng([_SHUFFLE, seed, epoch]).permutation(images)


def epoch_views(seed: int, epoch: int, images: int, views: int) -> npt.NDArray[np.int64]:
    """The view of each image (by image, not by position) in an epoch: int64 (N,), 0 is the image unchanged."""
    return np.random.default_rng([_FLIP, seed, epoch]).integers(views, size=images)


def epoch_changes(augmentation: Augmentation, seed: int, epoch: int, images: int) -> npt.NDArray[np.float32]:
    """The changes of each image (by image, not by position) in an epoch: float32 (N, 4).

    Columns: the view (an integer: bit 0 a left-right flip, the rest quarter turns), then the factors of brightness,
    contrast and saturation.
    """
    changes = np.ones((images, 4), np.float32)
    changes[:, 0] = epoch_views(seed, epoch, images, VIEWS[augmentation])
    if augmentation == "colour":
        random = np.random.default_rng([_COLOUR, seed, epoch])
        changes[:, 1:] = random.uniform(1 - COLOUR, 1 + COLOUR, (images, 3))
    return changes


def augment(augmentation: Augmentation, images: Any, changes: Any) -> Any:
    """Augmented images, before the backbone's own preparation.

    Args:
        augmentation: of the recipe.
        images: uint8 RGB (B, px, px, 3).
        changes: float32 (B, 4), rows of `epoch_changes`.

    Returns:
        (B, px, px, 3) of 0..255: uint8; float32 if colours changed.
    """
    if augmentation == "none":
        return images
    views = tf.cast(changes[:, 0], tf.int32)
    images = _where(views % 2 == 1, tf.reverse(images, [2]), images)
    if augmentation == "flip_rotate":
        images = _turned(images, views // 2)
    return _coloured(images, changes) if augmentation == "colour" else images


def view_of(images: Any, view: int) -> Any:
    """All images (B, px, px, 3) in one view: flipped left to right if `view` is odd, then turned view // 2 times."""
    images = images[:, :, ::-1] if view % 2 else images
    return tf.image.rot90(images, view // 2) if view // 2 else images


def _where(chosen: Any, yes: Any, no: Any) -> Any:
    return tf.where(chosen[:, None, None, None], yes, no)


def _turned(images: Any, turns: Any) -> Any:
    """Each image turned counterclockwise by its own number of quarters."""
    images = _where(turns >= 2, images[:, ::-1, ::-1], images)
    return _where(turns % 2 == 1, tf.transpose(images, [0, 2, 1, 3])[:, ::-1], images)


def _coloured(images: Any, changes: Any) -> Any:
    """Brightness, then contrast around the image's mean, then saturation around the pixel's gray."""
    brightness, contrast, saturation = (changes[:, column, None, None, None] for column in (1, 2, 3))
    images = tf.cast(images, tf.float32) * brightness
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = mean + (images - mean) * contrast
    gray = tf.image.rgb_to_grayscale(images)
    return tf.clip_by_value(gray + (images - gray) * saturation, 0.0, 255.0)
