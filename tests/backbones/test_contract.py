"""What every registered backbone promises. A new one is tested without an edit here."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import backbones
from backbones.base import STAGES

PIXEL = (10, 100, 200)
CAFFE = (200 - 103.939, 100 - 116.779, 10 - 123.68)  # BGR
TORCH = ((10 / 255 - 0.485) / 0.229, (100 / 255 - 0.456) / 0.224, (200 / 255 - 0.406) / 0.225)
MINUS_ONE_TO_ONE = tuple(value / 127.5 - 1 for value in PIXEL)
PREPARED_PIXEL = {
    "vgg16": CAFFE,
    "resnet50": CAFFE,
    "densenet121": TORCH,
    "efficientnetb0": PIXEL,
    "efficientnetlite0": MINUS_ONE_TO_ONE,
    "efficientnetlite1": MINUS_ONE_TO_ONE,
    "efficientnetlite2": MINUS_ONE_TO_ONE,
    "tiny": MINUS_ONE_TO_ONE,
}

every_backbone = pytest.mark.parametrize("name", backbones.names())


def values(model):
    return [variable.numpy() for variable in model.weights]


@pytest.mark.parametrize(("name", "expected"), PREPARED_PIXEL.items())
def test_prepared_pixel(name, expected):
    prepared = backbones.get(name).prepare(np.array(PIXEL, np.uint8).reshape(1, 1, 1, 3))
    np.testing.assert_allclose(np.ravel(prepared), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", backbones.MATRIX)
def test_input_is_prepared_as_keras_does(name, images):
    backbone = backbones.get(name)
    module = getattr(keras.applications, backbone.module)
    picture = images.astype(np.float32)
    expected = module.preprocess_input(picture.copy())  # the implementation for arrays; `prepare` uses that for tensors
    np.testing.assert_allclose(backbone.prepare(picture), expected, rtol=1e-5, atol=1e-4)


@every_backbone
def test_preparing_leaves_its_argument_alone_and_takes_both_types(name, images):
    backbone = backbones.get(name)
    floats = images.astype(np.float32)
    prepared = backbone.prepare(floats)
    assert prepared.dtype == tf.float32
    np.testing.assert_array_equal(floats, images.astype(np.float32))
    np.testing.assert_array_equal(prepared, backbone.prepare(images))
    in_graph = tf.function(backbone.prepare)(tf.constant(images))
    np.testing.assert_allclose(in_graph, prepared, rtol=1e-5, atol=1e-5)


@every_backbone
def test_small_and_odd_images_give_a_feature_map_of_the_declared_width(name, images, features):
    assert backbones.get(name).smallest_px == images.shape[1]
    count, height, width, channels = features(name).shape
    assert (count, channels) == (1, backbones.get(name).feature_width)
    assert height * width > 0
    assert np.isfinite(features(name)).all()


@every_backbone
def test_input_and_output_are_of_any_size(name, built):
    assert built(name).input_shape == (None, None, None, 3)
    assert built(name).output_shape == (None, None, None, backbones.get(name).feature_width)


@every_backbone
def test_declared_parameters(name, built):
    assert built(name).count_params() == backbones.get(name).parameters


@every_backbone
def test_declared_gflops_are_those_of_the_graph(name, built):
    """Counts twice the multiply-adds of each convolution: window x input channels, for each output value."""
    forward = tf.function(lambda image: built(name)(image, training=False), autograph=False)
    operations = forward.get_concrete_function(tf.TensorSpec((1, 224, 224, 3))).graph.get_operations()
    flops = 0
    for operation in operations:
        if operation.type in ("Conv2D", "DepthwiseConv2dNative"):
            height, width, channels, _ = operation.inputs[1].shape
            channels = channels if operation.type == "Conv2D" else 1
            flops += 2 * height * width * channels * operation.outputs[0].shape.num_elements()
    assert backbones.get(name).gflops_224 == pytest.approx(flops / 1e9, rel=0.01)


@every_backbone
def test_random_weights_follow_from_the_seed_alone(name, built):
    backbone, same = backbones.get(name), values(built(name))
    random.seed(99)
    caller = random.getstate()
    again, other = values(backbone.build("random", seed=0)), values(backbone.build("random", seed=1))
    assert random.getstate() == caller
    assert all(np.array_equal(a, b) for a, b in zip(same, again, strict=True))
    # Only what is drawn differs: kernels, which alone have several axes.
    assert not any(np.array_equal(a, b) for a, b in zip(same, other, strict=True) if a.ndim > 1)


def digest(model):
    return hashlib.sha256(b"".join(value.tobytes() for value in values(model))).hexdigest()


def test_random_weights_are_the_same_in_another_process(built):
    """There, Keras is not imported yet: its import draws random numbers, which must not count."""
    code = (
        "import backbones, hashlib\n"
        "for name in ('efficientnetb0', 'tiny'):\n"
        "    weights = backbones.get(name).build('random').weights\n"
        "    print(hashlib.sha256(b''.join(value.numpy().tobytes() for value in weights)).hexdigest())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == [digest(built("efficientnetb0")), digest(built("tiny"))]


@every_backbone
def test_stages_are_named_alike_and_cut_the_network_exactly(name, built, images, features):
    """Each part sees nothing but the output of the part before it; together they are the whole network."""
    backbone, model = backbones.get(name), built(name)
    assert tuple(stage for stage, _ in backbone.stages) == STAGES
    ends = [model.get_layer(layer).output for _, layer in backbone.stages]
    assert ends[-1] is model.output
    passed_on = backbone.prepare(images)
    for start, end in zip([model.input, *ends], ends, strict=False):
        passed_on = keras.Model(start, end)(passed_on)
    np.testing.assert_allclose(passed_on, features(name), rtol=1e-4, atol=1e-6 * np.abs(features(name)).max())
