import keras
import numpy as np
import pytest
import tensorflow as tf

import backbones
from bench.training.network.scale import standardise


@pytest.fixture
def images():
    pictures = np.random.default_rng(0).integers(0, 256, (6, 48, 48, 3), np.uint8)
    return backbones.get("vgg16").prepare(pictures)


def before_activation(model, layer, images):
    """What a convolution gives, computed apart: the input of the layer, convolved by TensorFlow."""
    inputs = keras.Model(model.input, layer.input)(images)
    return (tf.nn.conv2d(inputs, layer.kernel, 1, "SAME") + layer.bias).numpy()


def test_every_convolution_of_vgg16_is_standardised(images):
    model = backbones.get("vgg16").build("random")
    standardise(model, images)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            found = before_activation(model, layer, images)
            np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=5e-3)
            np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1, atol=5e-3)


def test_features_have_a_sane_spread(images):
    def spread(model):
        return model(images).numpy().mean(axis=(1, 2)).std(axis=0).mean()

    model = backbones.get("vgg16").build("random")
    assert spread(model) < 0.05
    standardise(model, images)
    assert 0.1 < spread(model) < 10


def test_earlier_images_leave_no_trace(images):
    once, twice = (backbones.get("vgg16").build("random") for _ in range(2))
    standardise(twice, 3 * images + 5)
    standardise(once, images)
    standardise(twice, images)
    np.testing.assert_allclose(once(images), twice(images), atol=2e-3)


def test_a_channel_that_is_constant_stays_finite():
    chain = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, activation="relu")])
    standardise(chain, tf.zeros((2, 8, 8, 3)))
    assert all(np.isfinite(weights).all() for weights in chain.get_weights())


def test_a_network_that_is_no_chain_is_left_alone():
    inputs = keras.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(3, 3, padding="same")(inputs)
    model = keras.Model(inputs, keras.layers.Add()([inputs, hidden]))
    before = model.get_weights()
    standardise(model, tf.ones((2, 8, 8, 3)))
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_network_with_batch_norm_is_left_alone():
    model = backbones.get("tiny").build("random")
    before = model.get_weights()
    standardise(model, tf.ones((2, 32, 32, 3)))
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
