"""BatchNormalization by TensorFlow's fused kernel, in place of the separate operations that Keras 3 writes down.

The same numbers to float noise, in one pass over the activations forward and one backward.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

_LEAST_EPSILON = 1.001e-5  # cuDNN refuses less


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """A BatchNormalization over the last axis of a 4-D input, whose training pass is FusedBatchNormV3."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """As the Keras layer; whatever the kernel cannot do is left to it."""
        if not (training and self.trainable and len(inputs.shape) == 4 and mask is None):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = self._fused(inputs)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * _bias(inputs))
        return outputs

    def _fused(self, inputs: Any) -> tuple[Any, Any, Any]:
        channels = inputs.shape[-1]
        gamma = tf.convert_to_tensor(self.gamma) if self.scale else tf.ones(channels)
        beta = tf.convert_to_tensor(self.beta) if self.center else tf.zeros(channels)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=gamma, offset=beta, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        return outputs, mean, variance

    def _move(self, moving: Any, value: Any) -> None:
        moving.assign(moving * self.momentum + value * (1.0 - self.momentum))


def fuse(model: keras.Model) -> None:
    """Lets every BatchNormalization of a model train by the fused kernel, where it can. Variables stay as they are."""
    for layer in _batch_norms(model):
        if type(layer) is keras.layers.BatchNormalization and _can_be_fused(layer):
            layer.__class__ = FusedBatchNormalization


def unfuse(model: keras.Model) -> None:
    """The inverse of `fuse`, before a model is saved: what is kept needs Keras alone."""
    for layer in _batch_norms(model):
        if type(layer) is FusedBatchNormalization:
            layer.__class__ = keras.layers.BatchNormalization


def _batch_norms(model: keras.Model) -> Iterator[Any]:
    return (layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization))


def _can_be_fused(layer: Any) -> bool:
    last = layer.axis in (-1, 3)
    return last and layer.epsilon >= _LEAST_EPSILON - 1e-12 and not getattr(layer, "renorm", False)


def _bias(inputs: Any) -> Any:
    """The kernel's variance divides by n - 1, that of Keras by n, n being positions of all images: their ratio."""
    positions = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), tf.float32)
    return tf.maximum(positions - 1.0, 1.0) / positions
