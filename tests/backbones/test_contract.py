"""The contract of every registered backbone. A new one is tested without an edit here."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from contextlib import contextmanager

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers_backbones import in_full, light

import backbones
from backbones.base import STAGES
from backbones.keras_application import KerasApplication
from bench.training.network.scale import reestimate

PIXEL = (10, 100, 200)
# What becomes of PIXEL, by what a backbone says of its input. A new kind of input is a new line here.
PREPARED_PIXEL = {
    "BGR mean 0": (200 - 103.939, 100 - 116.779, 10 - 123.68),
    "RGB z-score": (
        (10 / 255 - 0.485) / 0.229,
        (100 / 255 - 0.456) / 0.224,
        (200 / 255 - 0.406) / 0.225,
    ),
    "RGB -1..1": tuple(value / 127.5 - 1 for value in PIXEL),
    "RGB 0..255": PIXEL,
}
PROFILED = {"vgg16", "mobilenetv3small", "inceptionv3", "tiny"}
APPLICATIONS = [name for name in backbones.names() if isinstance(backbones.get(name), KerasApplication)]

every_backbone = pytest.mark.parametrize("name", backbones.names())
each_family = pytest.mark.parametrize("name", in_full(backbones.names()))  # the other variants are slow tests
light_families = pytest.mark.parametrize("name", in_full(backbones.names(), light()))


def values(model):
    return [variable.numpy() for variable in model.weights]


@every_backbone
def test_prepared_pixel(name):
    """A fixed picture of 0..255 arrives in the declared input range."""
    backbone = backbones.get(name)
    prepared = backbone.prepare(np.array(PIXEL, np.uint8).reshape(1, 1, 1, 3))
    np.testing.assert_allclose(np.ravel(prepared), PREPARED_PIXEL[backbone.input_range], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_input_is_prepared_as_keras_does(name, images):
    backbone = backbones.get(name)
    module = getattr(keras.applications, backbone.module)
    picture = images(name).astype(np.float32)
    expected = module.preprocess_input(picture.copy())  # the implementation for arrays; `prepare` uses that for tensors
    np.testing.assert_allclose(backbone.prepare(picture), expected, rtol=1e-5, atol=1e-4)


@every_backbone
def test_preparing_leaves_its_argument_alone_and_takes_both_types(name, images):
    backbone = backbones.get(name)
    floats = images(name).astype(np.float32)
    prepared = backbone.prepare(floats)
    assert prepared.dtype == tf.float32
    np.testing.assert_array_equal(floats, images(name).astype(np.float32))
    np.testing.assert_array_equal(prepared, backbone.prepare(images(name)))
    in_graph = tf.function(backbone.prepare)(tf.constant(images(name)))
    np.testing.assert_allclose(in_graph, prepared, rtol=1e-5, atol=1e-5)


@each_family
def test_small_and_odd_images_give_a_feature_map_of_the_declared_width(name, images, features):
    count, height, width, channels = features(name).shape
    assert (count, channels) == (1, backbones.get(name).feature_width)
    assert height * width > 0
    assert np.isfinite(features(name)).all()


@each_family
def test_input_and_output_are_of_any_size(name, sketched):
    """No built-in backbone is limited to one size; the smallest side is the limit of Keras."""
    backbone, model = backbones.get(name), sketched(name)
    assert backbone.largest_px is None
    assert model.input_shape == (None, None, None, 3)
    assert model.output_shape == (None, None, None, backbone.feature_width)


@pytest.mark.parametrize("name", in_full(APPLICATIONS))
def test_the_smallest_side_is_the_one_that_keras_takes(name):
    backbone = backbones.get(name)
    build = getattr(keras.applications, backbone.function)
    too_small = (backbone.smallest_px - 1,) * 2 + (3,)
    with keras.StatelessScope(initialize_variables=False), pytest.raises(ValueError, match="at least"):
        build(include_top=False, weights=None, input_shape=too_small)


@each_family
def test_declared_parameters(name, sketched):
    assert sketched(name).count_params() == backbones.get(name).parameters


def profiled_gflops(model, px):
    """By TensorFlow's profiler, of the graph of a network whose variables need no values."""

    def forward(trained, other, image):
        return model.stateless_call(trained, other, image, training=False)[0]

    specs = [
        [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    ]
    with keras.StatelessScope(initialize_variables=False):
        graph = tf.function(forward, autograph=False).get_concrete_function(*specs, tf.TensorSpec((1, px, px, 3))).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph, cmd="op", options=options).total_float_ops / 1e9


@pytest.mark.parametrize("name", in_full(backbones.names(), PROFILED))
def test_declared_gflops_are_those_of_the_profiler(name, sketched):
    backbone = backbones.get(name)
    assert backbone.gflops_224 == pytest.approx(profiled_gflops(sketched(name), 224), rel=0.006)


@pytest.mark.parametrize("name", in_full(backbones.names(), PROFILED))
def test_gflops_at_512_grow_with_the_pixels_or_are_declared(name, sketched):
    found = profiled_gflops(sketched(name), 512)
    assert backbones.get(name).gflops_at(512) == pytest.approx(found, rel=0.01)


@every_backbone
def test_declarations_about_imagenet_are_complete(name):
    backbone = backbones.get(name)
    assert (backbone.imagenet_top1 is None) == (backbone.top1_source == "")
    assert backbone.imagenet_top1 is None or 0.6 < backbone.imagenet_top1 < 0.9
    assert backbone.smallest_px <= backbone.native_px <= 600


@pytest.mark.parametrize("name", in_full(backbones.names(), {"vgg16", "efficientnetlite0", "mobilenetv3small", "tiny"}))
def test_random_weights_follow_from_the_seed_alone(name, built):
    backbone, same = backbones.get(name), values(built(name))
    random.seed(99)
    caller = random.getstate()
    again, other = values(backbone.build("random", seed=0)), values(backbone.build("random", seed=1))
    assert random.getstate() == caller
    assert all(np.array_equal(a, b) for a, b in zip(same, again, strict=True))
    # Only what is drawn differs: kernels, which alone have several axes.
    assert not any(np.array_equal(a, b) for a, b in zip(same, other, strict=True) if a.ndim > 1)


@pytest.fixture
def frozen(built):
    """A network by name, no part of which trains until the test is over."""
    models = []

    def freeze(name):
        models.append(built(name))
        models[-1].trainable = False
        return models[-1]

    yield freeze
    for model in models:
        model.trainable = True


@light_families
def test_frozen_no_variable_moves(name, frozen, images):
    """Moving statistics of BatchNorm included, although the network is called as in training."""
    model = frozen(name)
    before = values(model)
    model(backbones.get(name).prepare(images(name)), training=True)
    assert model.trainable_variables == []
    for value, old in zip(values(model), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_not_frozen_statistics_move(images):
    model = backbones.get("tiny").build("random")
    before = values(model)
    model(backbones.get("tiny").prepare(images("tiny")), training=True)
    assert not all(np.array_equal(value, old) for value, old in zip(values(model), before, strict=True))


@contextmanager
def scaled(model, pictures):
    """Inside, a deep random network has the statistics of the pictures, as in a run; else its gradients vanish."""
    if len(model.layers) < 500:  # which need it not: it takes seconds
        yield
        return
    before = values(model)
    reestimate(model, [pictures])
    yield
    model.set_weights(before)


@light_families
def test_gradients_reach_every_trainable_variable(name, built):
    backbone, model = backbones.get(name), built(name)
    px = max(64, backbone.smallest_px)
    pictures = backbone.prepare(np.random.default_rng(1).integers(0, 256, (2, px, px, 3)))
    with scaled(model, pictures), tf.GradientTape() as tape:
        outputs = model(pictures, training=False)
        loss = tf.reduce_sum(outputs * tf.random.stateless_normal(tf.shape(outputs), (1, 2)))
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path
        assert np.any(gradient), variable.path


def digest(model):
    return hashlib.sha256(b"".join(value.tobytes() for value in values(model))).hexdigest()


def test_random_weights_are_the_same_in_another_process(built):
    """The other process has not imported Keras yet: random numbers drawn by the import must not count."""
    code = (
        "import backbones, hashlib\n"
        "for name in ('efficientnetb0', 'tiny'):\n"
        "    weights = backbones.get(name).build('random').weights\n"
        "    print(hashlib.sha256(b''.join(value.numpy().tobytes() for value in weights)).hexdigest())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == [digest(built("efficientnetb0")), digest(built("tiny"))]


def ends_of(name, model):
    backbone = backbones.get(name)
    assert tuple(stage for stage, _ in backbone.stages) == STAGES
    ends = [model.get_layer(layer).output for _, layer in backbone.stages]
    assert ends[-1] is model.output
    return ends


@each_family
def test_stages_are_named_alike_and_the_rest_reads_their_ends_alone(name, sketched):
    """Keras refuses a part that reads anything but its start, such as an earlier stage."""
    ends = ends_of(name, sketched(name))
    layers = 0
    for start, end in zip([sketched(name).input, *ends], ends, strict=False):
        layers += len(keras.Model(start, end)._operations) - 1  # less what stands for the start
    assert layers == len(sketched(name)._operations) - 1


@each_family
def test_stages_cut_the_network_exactly(name, built, images, features):
    """The parts in sequence give the output of the whole network."""
    ends = ends_of(name, built(name))
    passed_on = backbones.get(name).prepare(images(name))
    for start, end in zip([built(name).input, *ends], ends, strict=False):
        passed_on = keras.Model(start, end)(passed_on)
    np.testing.assert_allclose(passed_on, features(name), rtol=1e-4, atol=1e-6 * np.abs(features(name)).max())


def test_a_cut_where_more_is_read_is_noticed(sketched):
    """The assumption of the test above: after a block's first convolution, the sum still reads the block's input."""
    model = sketched("resnet50")
    with pytest.raises(ValueError, match="not connected"):
        keras.Model(model.get_layer("conv3_block2_1_conv").output, model.output)


@pytest.mark.parametrize("name", in_full(["xception", "inceptionv3", "convnexttiny", "mobilenetv3small"], {"xception"}))
def test_layers_are_called_alike_however_many_were_made_before(name, built):
    again = backbones.get(name).build("random")
    assert [layer.name for layer in built(name).layers] == [layer.name for layer in again.layers]
