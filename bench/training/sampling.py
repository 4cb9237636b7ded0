"""Which image when, and how it is turned: pure functions of (seed, epoch, image), so that any epoch can be repeated."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_SHUFFLE, _FLIP = 0, 1  # streams that must not share their numbers


def epoch_order(seed: int, epoch: int, images: int) -> npt.NDArray[np.int64]:
    """The order in which an epoch sees the training images, each once: int64 (N,)."""
    return np.random.default_rng([_SHUFFLE, seed, epoch]).permutation(images)


def epoch_views(seed: int, epoch: int, images: int, views: int) -> npt.NDArray[np.int64]:
    """Which view of each image (by image, not by position) an epoch shows: int64 (N,), 0 is the image as it is."""
    return np.random.default_rng([_FLIP, seed, epoch]).integers(views, size=images)
