"""A backbone as a run starts from it; a random one with the scale of real images."""

from __future__ import annotations

import time
from pathlib import Path

import keras

from backbones.base import Backbone, WeightsError
from bench.data.excerpt import excerpt
from bench.data.faults import named_faults
from bench.data.stored import Stored
from bench.errors import UserError
from bench.training.batch_norm import reestimate
from bench.training.unit_variance import standardise

# Random weights: their scale is taken from 8 training images of 224 px, or 4 of more pixels. The spread of features is
# the same with 8 and with 32, and each image costs two forward passes.
SCALING_PIXELS = 8 * 224 * 224
SCALING_LEAST = 4


def build_backbone(adapter: Backbone, weights: str, seed: int) -> keras.Model:
    """A network without its top.

    Args:
        adapter: of the backbone.
        weights: imagenet, random, or the path of a weights file.
        seed: of random weights.

    Raises:
        UserError: the weights cannot be had, or are another network's.
    """
    try:
        return adapter.build(weights if weights in ("imagenet", "random") else Path(weights), seed=seed)
    except WeightsError as error:
        raise UserError(str(error)) from None


def give_scale(model: keras.Model, adapter: Backbone, stored: Stored, images: int, image_px: int) -> float:
    """Gives a random network statistics and scale of real images. Returns the seconds.

    Args:
        model: of the adapter, from random weights.
        adapter: prepares the pictures.
        shards: of the training split.
        images: how many pictures they hold.
        image_px: their side, at which the network will be used.
    """
    started = time.perf_counter()
    with named_faults(stored.paths):
        pictures = adapter.prepare(excerpt(stored, images, max(SCALING_LEAST, SCALING_PIXELS // image_px**2)))
    standardise(model, pictures)
    reestimate(model, [pictures])
    return time.perf_counter() - started
