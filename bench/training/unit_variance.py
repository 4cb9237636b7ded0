"""Scale for random networks that have no normalisation, such as VGG.

Each convolution drawn by Glorot's rule halves the variance of what passes, and after thirteen the features of different
images differ by a few thousandths. A BatchNorm that starts from mean 0 and variance 1 does not find such numbers within
a short training. Standardising each convolution's outputs on a few images, layer after layer, is the remedy of Mishkin
and Matas, "All you need is a good init" (arXiv:1511.06422): LSUV, here for each channel, as BatchNorm would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

LEAST_DEVIATION = 1e-6  # of a channel that is the same everywhere: nothing to scale


def standardise(model: keras.Model, images: tf.Tensor) -> None:
    """Give every convolution outputs of mean 0 and variance 1 in each channel over these images, before activation.

    Earlier scales play no part: what is kept of the weights is the direction of each channel's kernel.

    Args:
        model: a chain of layers without normalisation, whose convolutions have biases; any other is left as it is.
        images: prepared, float32 (B, H, W, 3).
    """
    import keras

    if not (_is_chain(model) and all(_takes_scale(layer) for layer in model.layers)):
        return
    values = images
    for layer in model.layers[1:]:
        values = _standardised(layer, values) if isinstance(layer, keras.layers.Conv2D) else layer(values)


def _is_chain(model: keras.Model) -> bool:
    pairs = zip(model.layers, model.layers[1:], strict=False)
    return all(layer.input is before.output for before, layer in pairs)


def _takes_scale(layer: Any) -> bool:
    import keras

    if isinstance(layer, keras.layers.Conv2D):
        return bool(layer.use_bias)
    return not layer.weights  # pooling, padding, activations


def _standardised(layer: Any, values: tf.Tensor) -> tf.Tensor:
    """Rescale one convolution; returns its new output, without convolving a second time."""
    import tensorflow as tf

    activation, layer.activation = layer.activation, None
    raw = layer(values)
    layer.activation = activation
    mean, variance = (np.asarray(moment) for moment in tf.nn.moments(raw, axes=[0, 1, 2]))
    deviation = np.maximum(np.sqrt(variance), LEAST_DEVIATION)
    layer.kernel.assign(layer.kernel / deviation)
    layer.bias.assign((layer.bias - mean) / deviation)
    return activation((raw - mean) / deviation)
