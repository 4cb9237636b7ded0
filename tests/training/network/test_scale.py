"""Statistics of random networks against numpy, and the scale that convolutions without normalisation get."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers_backbones import in_full

import backbones
from bench.training.network.scale import reestimate, standardise


def batch(count, seed=0):
    return np.random.default_rng(seed).normal(3.0, 2.0, (count, 6, 6, 3)).astype(np.float32)


def network(*, dropout=0.0):
    """Two convolutions, each with a BatchNorm whose statistics are far off and whose gamma and beta are not 1 and 0."""
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Conv2D(5, 3, name="conv_a", kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
            keras.layers.BatchNormalization(name="norm_a"),
            keras.layers.ReLU(),
            keras.layers.Dropout(dropout, seed=3, name="dropout"),
            keras.layers.Conv2D(4, 3, name="conv_b", kernel_initializer=keras.initializers.GlorotUniform(seed=2)),
            keras.layers.BatchNormalization(name="norm_b", momentum=0.9),
        ]
    )
    rng = np.random.default_rng(4)
    for name in ("norm_a", "norm_b"):
        for variable in model.get_layer(name).weights:
            variable.assign(rng.uniform(0.5, 7.0, variable.shape))
    return model


def statistics(model):
    norms = [model.get_layer("norm_a"), model.get_layer("norm_b")]
    return [variable.numpy() for norm in norms for variable in (norm.moving_mean, norm.moving_variance)]


def expected_statistics(model, images):
    """Layer by layer: the moments of each BatchNorm's input, and its output with them."""
    norm_a, norm_b = model.get_layer("norm_a"), model.get_layer("norm_b")
    given_a = model.get_layer("conv_a")(images).numpy().astype(np.float64)
    mean_a, variance_a = given_a.mean((0, 1, 2)), given_a.var((0, 1, 2))
    normalised = (given_a - mean_a) / np.sqrt(variance_a + norm_a.epsilon)
    passed_on = np.maximum(normalised * norm_a.gamma.numpy() + norm_a.beta.numpy(), 0)
    given_b = model.get_layer("conv_b")(passed_on.astype(np.float32)).numpy().astype(np.float64)
    assert norm_b.epsilon == norm_a.epsilon
    return [mean_a, variance_a, given_b.mean((0, 1, 2)), given_b.var((0, 1, 2))]


def assert_close(found, expected):
    for value, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


def test_statistics_are_those_of_the_batch_layer_by_layer():
    model, images = network(), batch(7)
    expected = expected_statistics(model, images)
    reestimate(model, [images])
    assert_close(statistics(model), expected)


def test_noise_is_off_while_measuring_and_on_again_afterwards():
    model, images = network(dropout=0.9), batch(7)
    expected = expected_statistics(model, images)  # which knows no dropout
    reestimate(model, [images])
    assert_close(statistics(model), expected)
    assert model.get_layer("dropout").rate == 0.9


def test_a_frozen_network_is_measured_and_stays_frozen():
    model, images = network(), batch(7)
    model.trainable = False
    expected = expected_statistics(model, images)
    reestimate(model, [images])
    assert_close(statistics(model), expected)
    assert not any(layer.trainable for layer in model.layers)
    assert model.trainable_variables == []


def test_only_the_statistics_change():
    model = network()
    weights = [variable.numpy() for variable in model.trainable_variables]
    reestimate(model, [batch(7)])
    assert_close([variable.numpy() for variable in model.trainable_variables], weights)
    assert [model.get_layer(name).momentum for name in ("norm_a", "norm_b")] == [0.99, 0.9]
    assert all(layer.trainable for layer in model.layers)


def test_several_batches_count_by_their_images():
    """The first BatchNorm sees the same numbers whichever way the images are divided."""
    model, images = network(), batch(9)
    expected = expected_statistics(model, images)[:2]
    reestimate(model, [images[:2], images[2:5], images[5:]])
    assert_close(statistics(model)[:2], expected)


def test_a_second_time_at_another_size_starts_afresh():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.BatchNormalization(name="norm")(inputs))
    for images in (batch(4), batch(3, seed=1)[:, :5, :4] * 100):
        reestimate(model, [images])
        np.testing.assert_allclose(model.get_layer("norm").moving_mean, images.mean((0, 1, 2)), rtol=1e-4)
        np.testing.assert_allclose(model.get_layer("norm").moving_variance, images.var((0, 1, 2)), rtol=1e-4)


def test_nested_networks_are_measured():
    inner, images = network(), batch(7)
    expected = expected_statistics(inner, images)
    reestimate(keras.Sequential([keras.Input((6, 6, 3)), inner]), [images])
    assert_close(statistics(inner), expected)


def test_settings_are_restored_when_a_batch_fails():
    model = network(dropout=0.5)
    model.trainable = False
    with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError)):
        reestimate(model, [np.zeros((2, 6, 6, 99), np.float32)])
    assert model.get_layer("norm_b").momentum == 0.9
    assert model.get_layer("dropout").rate == 0.5
    assert model.trainable_variables == []


def test_without_batch_norm_no_batch_is_taken():
    def unwanted():
        raise AssertionError("a batch was taken")
        yield

    reestimate(keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(2, 3)]), unwanted())


def test_no_batch_is_an_error():
    with pytest.raises(ValueError, match="at least one batch"):
        reestimate(network(), [])


@pytest.mark.parametrize("name", in_full(backbones.names()))
def test_random_features_tell_images_apart(name):
    """Without re-estimation those of EfficientNetB0 differ by 2e-7 from image to image."""
    backbone = backbones.get(name)
    model = backbone.build("random")
    side = max(64, backbone.smallest_px)
    coarse = np.random.default_rng(0).uniform(0, 255, (16, 4, 4, 3))
    images = backbone.prepare(np.asarray(tf.image.resize(coarse, (side, side))))
    reestimate(model, [images[:8]])
    pooled = model(images[8:]).numpy().mean((1, 2))
    spread = pooled.std(0).mean()
    assert spread > 1e-3
    assert spread > 0.05 * np.abs(pooled).mean()


@pytest.fixture
def images():
    pictures = np.random.default_rng(0).integers(0, 256, (6, 48, 48, 3), np.uint8)
    return backbones.get("vgg16").prepare(pictures)


def before_activation(model, layer, images):
    """The output of a convolution, computed apart: the input of the layer, convolved by TensorFlow."""
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
