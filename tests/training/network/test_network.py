"""A network's two parts against the whole, and BatchNormalization on the fused kernel against that of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers_training import CLASSES, recipe

import backbones
from bench.training.network.network import FusedBatchNormalization, Network, fuse, unfuse

IMAGES = np.random.default_rng(0).integers(256, size=(2, 64, 64, 3)).astype(np.uint8)
RNG = np.random.default_rng(0)


def network(trainable, head=("gap", "softmax"), name="tiny"):
    adapter = backbones.get(name)
    return Network.of(adapter, adapter.build("random"), recipe(trainable=trainable, head=head), CLASSES, 0)


@pytest.mark.parametrize("trainable", ["none", "from:stage5", "from:stage3", "from:stage2"])
@pytest.mark.parametrize("head", [("gap", "softmax"), ("batch_norm", "dropout:0.2", "gap", "softmax")])
def test_both_parts_are_the_whole(trainable, head):
    made = network(trainable, head)
    images = made.adapter.prepare(IMAGES)
    np.testing.assert_array_equal(made.rest(made.front(images)), made.model(images))


@pytest.mark.parametrize(("trainable", "layers"), [("none", 0), ("from:stage5", 1), ("from:stage4", 2), ("all", 5)])
def test_trainable_variables_are_those_from_the_stage_on(trainable, layers):
    """Each stage of `tiny` has a kernel, a scale and an offset; the head a kernel and a bias."""
    made = network(trainable)
    assert len(made.trainable_variables) == 3 * layers + 2
    frozen = [] if made.front is None else made.front.variables
    assert not {id(v) for v in made.trainable_variables} & {id(v) for v in frozen}


def test_from_the_first_stage_on_is_all():
    assert network("from:stage1").front is None


@pytest.mark.parametrize("name", backbones.MATRIX)
def test_one_recipe_cuts_every_backbone_of_the_matrix(name):
    made = network("from:stage5", name=name)
    images = made.adapter.prepare(IMAGES)
    np.testing.assert_array_equal(made.rest(made.front(images)), made.model(images))
    assert 2 < len(made.trainable_variables) < len(made.model.variables)


def net(**settings):
    inputs = keras.Input((None, None, 4))
    outputs = keras.layers.BatchNormalization(**{"momentum": 0.9, "name": "norm", **settings})(inputs)
    return keras.Model(inputs, outputs)


def step(model, images, weights):
    """Outputs, gradients and moving statistics of one training pass."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = model(images, training=True)
        loss = tf.reduce_sum(outputs * weights)
    gradients = tape.gradient(loss, [images, *(v.value for v in model.trainable_variables)])
    return [outputs, *gradients, *(v.value for v in model.non_trainable_variables)]


@pytest.mark.parametrize("shape", [(16, 5, 3, 4), (1, 1, 2, 4), (1, 1, 1, 4), (16, 1, 1, 4)])
def test_one_step_is_that_of_keras(shape):
    """At 16 positions the kernel's own variance would be 7 % too large."""
    images = tf.constant(RNG.normal(3, 2, shape).astype(np.float32))
    weights = tf.constant(RNG.normal(size=shape).astype(np.float32))
    plain, fused = net(), net()
    for model in (plain, fused):
        model.set_weights([np.full(4, value, np.float32) for value in (1.5, 0.5, 0.1, 0.9)])
    fuse(fused)
    for ours, theirs in zip(step(fused, images, weights), step(plain, images, weights), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {"scale": False, "momentum": 0.99, "epsilon": 1e-3},  # Inception
        {"momentum": 0.999, "epsilon": 1e-3},  # MobileNet
        {"axis": 3, "epsilon": 1.001e-5, "momentum": 0.99},  # ResNet, both versions
        {"center": False},
    ],
    ids=str,
)
def test_one_step_is_that_of_keras_with_these_settings(settings):
    """Channels as narrow as epsilon, so that a wrong epsilon would show."""
    spread = np.array([1e-3, 1e-2, 0.1, 1.0])
    images = tf.constant((RNG.normal(0, 1, (3, 4, 5, 4)) * spread).astype(np.float32))
    weights = tf.constant(RNG.normal(size=(3, 4, 5, 4)).astype(np.float32))
    plain, fused = net(**settings), net(**settings)
    for model in (plain, fused):
        model.set_weights([np.full(4, value, np.float32) for value in (1.5, 0.5, 0.1, 0.9)[-len(model.weights) :]])
    fuse(fused)
    assert type(fused.layers[1]) is FusedBatchNormalization
    for ours, theirs in zip(step(fused, images, weights), step(plain, images, weights), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())


def test_a_whole_network_and_back():
    model = backbones.get("tiny").build("random")
    images = tf.constant(RNG.normal(0, 1, (2, 64, 64, 3)).astype(np.float32))
    before = model(images, training=True).numpy()
    fuse(model)
    fused = [layer for layer in model.layers if type(layer) is FusedBatchNormalization]
    assert len(fused) == 5
    np.testing.assert_allclose(model(images, training=True), before, rtol=1e-4, atol=1e-4)
    unfuse(model)
    assert {type(layer) for layer in fused} == {keras.layers.BatchNormalization}
    np.testing.assert_array_equal(model(images, training=True), before)


def test_a_frozen_layer_uses_its_moving_statistics():
    model = net()
    fuse(model)
    model.trainable = False
    images = tf.constant(RNG.normal(3, 2, (2, 3, 3, 4)).astype(np.float32))
    np.testing.assert_allclose(model(images, training=True), images / np.sqrt(1.001), rtol=1e-5)


def test_cases_that_the_kernel_does_not_support_stay_with_keras():
    inputs = keras.Input((4, 6, 6))
    model = keras.Model(inputs, keras.layers.BatchNormalization(axis=1)(inputs))
    fuse(model)
    assert type(model.layers[1]) is keras.layers.BatchNormalization
