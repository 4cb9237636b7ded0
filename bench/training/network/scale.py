"""The backbone that a run starts from, and the scale of a random one.

Deep networks with random weights return numbers near 1e-7 that hardly differ between images. So a random backbone gets
the scale of real images, at the resolution of the run: networks with BatchNormalization get its statistics over some
training images (`reestimate`); chains of convolutions without normalisation, such as VGG, get outputs of mean 0 and
variance 1 in each channel (`standardise`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from backbones.base import Backbone, WeightsError
from bench.data.reading import Stored, excerpt, named_faults
from bench.errors import UserError

# The scale is taken from 8 training images of 224 px, or 4 of more pixels. The spread of features is the same with 8
# and with 32, and each image costs two forward passes.
SCALING_PIXELS = 8 * 224 * 224
SCALING_LEAST = 4
LEAST_DEVIATION = 1e-6  # of a channel that is the same everywhere: nothing to scale

# Attributes that hold the strength of noise: of Keras's Dropout layers, and of StochasticDepth in keras.applications.
_NOISE_RATES = ("rate", "drop_path_rate")


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
        stored: pictures of the training split.
        images: how many they are.
        image_px: their side, at which the network will be used.
    """
    started = time.perf_counter()
    with named_faults(stored.paths):
        pictures = adapter.prepare(excerpt(stored, images, max(SCALING_LEAST, SCALING_PIXELS // image_px**2)))
    standardise(model, pictures)
    reestimate(model, [pictures])
    return time.perf_counter() - started


def reestimate(model: keras.Model, batches: Iterable[tf.Tensor]) -> None:
    """Sets the moving statistics of every BatchNormalization layer to those of the given images.

    Each batch passes through the network once, every layer normalising by the batch's own statistics, so that earlier
    moving statistics play no part. Several batches are pooled as if they were one: the mean of the means, and the mean
    variance plus the variance of the means. Weights do not move; noise (Dropout, stochastic depth) is off.

    Args:
        model: any functional or sequential model; without BatchNormalization nothing is done, and no batch is taken.
        batches: prepared images, float32 (B, H, W, 3), at the resolution at which the network will be used.

    Raises:
        ValueError: no batch.
    """
    norms = [layer for layer in _leaves(model) if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    counts, moments = [], []
    with _measuring(model, norms):
        training_pass = _training_pass(model)
        for images in batches:
            training_pass(images)
            counts.append(len(images))
            moments.append([np.stack([norm.moving_mean, norm.moving_variance]) for norm in norms])
    if not counts:
        raise ValueError("BatchNorm statistics need at least one batch of images.")
    shares = np.array(counts, np.float64) / sum(counts)
    for norm, of_batches in zip(norms, zip(*moments, strict=True), strict=True):
        mean, variance = _pooled(shares, np.stack(of_batches).astype(np.float64))
        norm.moving_mean.assign(mean)
        norm.moving_variance.assign(variance)


def standardise(model: keras.Model, images: tf.Tensor) -> None:
    """Gives every convolution outputs of mean 0 and variance 1 in each channel over these images, before activation.

    Earlier scales play no part: of the weights, the direction of each channel's kernel is kept.

    Args:
        model: a chain of layers without normalisation, whose convolutions have biases; any other is left unchanged.
        images: prepared, float32 (B, H, W, 3).
    """
    if not (_is_chain(model) and all(_takes_scale(layer) for layer in model.layers)):
        return
    values = images
    for layer in model.layers[1:]:
        values = _standardised(layer, values) if isinstance(layer, keras.layers.Conv2D) else layer(values)


def _leaves(model: keras.Model) -> Iterator[Any]:
    """The layers of a model, those of nested models included."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _leaves(layer)
        else:
            yield layer


@contextmanager
def _measuring(model: keras.Model, norms: list[Any]) -> Iterator[None]:
    """Inside, a pass in training mode leaves the batch's own statistics in every layer, and has no noise."""
    # A frozen BatchNormalization would use its moving statistics even in training mode.
    changes = [(norm, name, value) for norm in norms for name, value in (("trainable", True), ("momentum", 0.0))]
    changes += [(layer, name, 0.0) for layer in _leaves(model) for name in _NOISE_RATES if hasattr(layer, name)]
    with ExitStack() as restored:
        for layer, name, value in changes:
            restored.callback(setattr, layer, name, getattr(layer, name))
            setattr(layer, name, value)
        yield


@lru_cache(maxsize=1)
def _training_pass(model: keras.Model) -> Callable[[tf.Tensor], None]:
    """The network in training mode, as a graph for all resolutions: tracing DenseNet121 takes longer than 16 images.

    A graph, because it frees each activation after its last use: eager, ResNet50 holds 10 GB for 16 images of 512 px.
    """

    def run(images: tf.Tensor) -> None:
        model(images, training=True)

    signature = [tf.TensorSpec(model.inputs[0].shape, tf.float32)]
    graph: Callable[[tf.Tensor], None] = tf.function(run, input_signature=signature, autograph=False)
    return graph


def _pooled(shares: NDArray[np.float64], moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Moments (2, channels) over batches that hold `shares` of the images, from theirs (batches, 2, channels)."""
    means, variances = moments[:, 0], moments[:, 1]
    mean = shares @ means
    return np.stack([mean, shares @ (variances + (means - mean) ** 2)])


def _is_chain(model: keras.Model) -> bool:
    pairs = zip(model.layers, model.layers[1:], strict=False)
    return all(layer.input is before.output for before, layer in pairs)


def _takes_scale(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Conv2D):
        return bool(layer.use_bias)
    return not layer.weights  # pooling, padding, activations


def _standardised(layer: Any, values: tf.Tensor) -> tf.Tensor:
    """Rescales one convolution; returns its new output, without convolving a second time."""
    activation, layer.activation = layer.activation, None
    raw = layer(values)
    layer.activation = activation
    mean, variance = (np.asarray(moment) for moment in tf.nn.moments(raw, axes=[0, 1, 2]))
    deviation = np.maximum(np.sqrt(variance), LEAST_DEVIATION)
    layer.kernel.assign(layer.kernel / deviation)
    layer.bias.assign((layer.bias - mean) / deviation)
    return activation((raw - mean) / deviation)
