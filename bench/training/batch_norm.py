"""BatchNorm statistics for networks that were never trained.

A new BatchNormalization layer takes its input to have mean 0 and variance 1. In a deep random network that is far off:
each layer shrinks its input a little, and EfficientNetB0 ends at numbers near 1e-7, the same for all images. One pass
over a few images tells each layer what it is really given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# Mean and variance of a layer's input: float64 (2, channels).
Moments: TypeAlias = NDArray[np.float64]

# Where layers keep the strength of their noise: Keras's Dropout layers, and StochasticDepth in keras.applications.
_NOISE_RATES = ("rate", "drop_path_rate")


def reestimate(model: keras.Model, batches: Iterable[tf.Tensor]) -> None:
    """Set the moving statistics of every BatchNormalization layer to those of the given images.

    Each batch passes through the network once, every layer normalising by the batch's own statistics, so that earlier
    moving statistics play no part. Several batches are pooled as if they were one: the mean of the means, and the mean
    variance plus the variance of the means. Weights do not move; noise (Dropout, stochastic depth) is off.

    Args:
        model: any functional or sequential model; without BatchNormalization nothing is done, and no batch is taken.
        batches: prepared images, float32 (B, H, W, 3), at the resolution at which the network will be used.

    Raises:
        ValueError: there is no batch.
    """
    import keras

    norms = [layer for layer in _leaves(model) if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    with _measuring(model, norms):
        statistics = _pool(list(_passes(model, norms, batches)))
    for norm, (mean, variance) in zip(norms, statistics, strict=True):
        norm.moving_mean.assign(mean)
        norm.moving_variance.assign(variance)


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


def _passes(model: keras.Model, norms: list[Any], batches: Iterable[tf.Tensor]) -> Iterator[tuple[int, list[Moments]]]:
    """For every batch, its number of images and the moments of each layer in `norms`."""
    training_pass = _training_pass(model)
    for images in batches:
        training_pass(images)
        yield len(images), [_moments(norm) for norm in norms]


def _moments(norm: Any) -> Moments:
    return np.stack([norm.moving_mean.numpy(), norm.moving_variance.numpy()]).astype(np.float64)


@lru_cache(maxsize=1)
def _training_pass(model: keras.Model) -> Callable[[tf.Tensor], None]:
    """The network in training mode, as a graph for all resolutions: tracing DenseNet121 takes longer than 16 images.

    A graph, because it frees each activation after its last use: eager, ResNet50 holds 10 GB for 16 images of 512 px.
    """
    import tensorflow as tf

    def run(images: tf.Tensor) -> None:
        model(images, training=True)

    signature = [tf.TensorSpec(model.inputs[0].shape, tf.float32)]
    graph: Callable[[tf.Tensor], None] = tf.function(run, input_signature=signature, autograph=False)
    return graph


def _pool(passes: list[tuple[int, list[Moments]]]) -> list[Moments]:
    """The moments of each layer over the images of all batches."""
    if not passes:
        raise ValueError("BatchNorm statistics need at least one batch of images.")
    counts = np.array([count for count, _ in passes], np.float64)
    shares = counts / counts.sum()
    return [_pooled(shares, np.stack(moments)) for moments in zip(*(moments for _, moments in passes), strict=True)]


def _pooled(shares: NDArray[np.float64], moments: NDArray[np.float64]) -> Moments:
    """One layer's moments over batches that hold `shares` of the images; `moments` is (batches, 2, channels)."""
    means, variances = moments[:, 0], moments[:, 1]
    mean = shares @ means
    return np.stack([mean, shares @ (variances + (means - mean) ** 2)])
