"""Heads as Keras models of the pooled moments that a bank holds, exactly equal to the same heads on whole feature maps.

A head that begins with `batch_norm, gap` normalises every position of the map and then averages over the image. Over
a batch, BatchNorm's mean is the mean of the images' means m, its variance the mean of the images' variances v plus the
variance of m, and normalising commutes with the pooling; so (m, v) per image, 2F numbers, give the same output, the
same gradients and the same moving statistics as the whole map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from bench.config.head import HeadLayer, needs_map

BATCH_NORM_EPSILON = 1e-3  # the defaults of keras.layers.BatchNormalization
BATCH_NORM_MOMENTUM = 0.99


@keras.saving.register_keras_serializable(package="petalbench")
class PooledBatchNormalization(layers.Layer):  # type: ignore[misc]
    """`BatchNormalization` followed by `GlobalAveragePooling2D`, on pooled moments.

    Input: mean and variance over each image's positions, two float32 (N, F). Output: float32 (N, F).
    """

    def build(self, input_shape: Sequence[Sequence[int | None]]) -> None:
        """Creates the four vectors of a BatchNormalization, under the same names."""
        shape = (input_shape[0][-1],)
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")
        self.moving_mean = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(shape=shape, initializer="ones", trainable=False, name="moving_variance")

    def call(self, moments: Sequence[Any], training: bool = False) -> Any:
        """Normalises the pooled means with the batch's statistics, or the moving ones outside training."""
        means, variances = moments
        if training:
            mean, variance_of_means = ops.moments(means, axes=[0])
            variance = ops.mean(variances, axis=0) + variance_of_means
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        return (means - mean) * ops.rsqrt(variance + BATCH_NORM_EPSILON) * self.gamma + self.beta

    def _move(self, moving: Any, value: Any) -> None:
        moving.assign(moving * BATCH_NORM_MOMENTUM + value * (1.0 - BATCH_NORM_MOMENTUM))

    def compute_output_shape(self, input_shape: Sequence[Sequence[int | None]]) -> tuple[int | None, ...]:
        """(N, F)."""
        return tuple(input_shape[0])


def pooled_head(head: Sequence[HeadLayer], width: int, classes: int, seed: int) -> keras.Model:
    """A head as a model of pooled moments: [mean (B, width), variance (B, width)] -> logits (B, classes).

    Raises:
        ValueError: a head that needs the whole map.
    """
    if needs_map(head):
        raise ValueError("this head needs the whole feature map; pooled moments are not enough")
    means, variances = keras.Input((width,), name="mean"), keras.Input((width,), name="variance")
    if head[0].kind == "gap":
        logits = _chain(head[1:], means, classes, seed)
    else:
        logits = _chain(head[2:], PooledBatchNormalization(name="head_0_batch_norm")([means, variances]), classes, seed)
    return keras.Model([means, variances], logits, name="head")


def map_head(head: Sequence[HeadLayer], maps: Any, classes: int, seed: int) -> Any:
    """A head on whole feature maps, symbolic (B, h, w, F) -> logits (B, classes) in float32.

    Its layers start from the same numbers as those of `pooled_head` for the same seed.
    """
    pooling = [layer.kind for layer in head].index("gap")
    values = maps
    for position, layer in enumerate(head[:pooling]):
        values = _keras_layer(layer, classes, seed * 1009 + 100 + position, f"head_map_{layer.kind}_{position}")(values)
    return _chain(head[pooling + 1 :], layers.GlobalAveragePooling2D(name="head_gap")(values), classes, seed)


def _chain(head: Sequence[HeadLayer], values: Any, classes: int, seed: int) -> Any:
    for position, layer in enumerate(head):
        values = _keras_layer(layer, classes, seed * 1009 + position, f"head_{layer.kind}_{position}")(values)
    return values


def _keras_layer(layer: HeadLayer, classes: int, seed: int, name: str) -> layers.Layer:
    glorot = keras.initializers.GlorotUniform(seed=seed)
    if layer.kind == "dense":
        return layers.Dense(layer.units, activation=layer.activation, kernel_initializer=glorot, name=name)
    if layer.kind == "softmax":
        return layers.Dense(classes, kernel_initializer=glorot, dtype="float32", name=name)  # logits, in any precision
    if layer.kind == "dropout":
        return layers.Dropout(layer.rate, seed=seed, name=name)
    return layers.BatchNormalization(name=name)
