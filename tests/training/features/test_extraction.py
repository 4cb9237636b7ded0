import numpy as np
import pytest
import tensorflow as tf
from helpers_training import Watch

import backbones
from bench.data.augmentation import view_of
from bench.training.features import extraction
from bench.training.features.extraction import Extractor, batch_size

PX = 32


@pytest.fixture(scope="module")
def tiny():
    return backbones.get("tiny").build("random", seed=3)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (11, PX, PX, 3), np.uint8)


def batches(pictures, size):
    return [tf.constant(pictures[first : first + size]) for first in range(0, len(pictures), size)]


def run(model, pictures, size, turn=lambda found: found):
    extractor = Extractor(model, backbones.get("tiny").prepare, size, PX)
    (passed,) = extractor.run(([batch] for batch in turn(batches(pictures, size))), [len(pictures)], lambda done: None)
    return passed


def moments(model, pictures):
    """By numpy, in double precision, from the ordinary call of the model."""
    maps = model(backbones.get("tiny").prepare(pictures), training=False).numpy().astype(np.float64)
    return maps.mean(axis=(1, 2)), maps.var(axis=(1, 2))


@pytest.mark.parametrize("size", [4, 11, 16])
def test_moments_are_those_of_the_feature_map(tiny, pictures, size):
    passed = run(tiny, pictures, size)
    mean, variance = moments(tiny, pictures)
    np.testing.assert_allclose(passed.mean, mean, atol=1e-5)
    np.testing.assert_allclose(passed.variance, variance, atol=1e-5)
    assert passed.mean.dtype == passed.variance.dtype == np.float32


def test_flipped_is_the_mirror_image(tiny, pictures):
    passed = run(tiny, pictures, 4, lambda batches: (view_of(batch, 1) for batch in batches))
    mean, _ = moments(tiny, pictures[:, :, ::-1])
    np.testing.assert_allclose(passed.mean, mean, atol=1e-5)
    assert np.abs(passed.mean - moments(tiny, pictures)[0]).max() > 1e-3


def test_the_clock_has_a_share_for_every_image(tiny, pictures):
    passed = run(tiny, pictures, 4)
    assert passed.seconds.shape == (11,)
    assert (passed.seconds > 0).all()
    assert passed.startup_seconds >= 0
    assert passed.seconds[:4].std() == 0  # one batch, one share
    assert passed.seconds[8:].sum() == pytest.approx(3 * passed.seconds[8])


def test_waiting_for_pictures_is_in_the_clock_and_not_in_inference(tiny, pictures, monkeypatch):
    watch = Watch()

    def slowly():
        for batch in batches(pictures, 4):
            watch.now += 10
            yield [batch, batch]

    extractor = Extractor(tiny, backbones.get("tiny").prepare, 4, PX)
    monkeypatch.setattr(extraction, "time", watch)
    plain, flipped = extractor.run(slowly(), [11, 11], lambda done: None)
    assert (plain.startup_seconds, flipped.startup_seconds) == (1, 0)  # a look while it is traced
    for passed in (plain, flipped):
        # Of each batch: half of 10 seconds and a look, and a second of its own.
        np.testing.assert_allclose(passed.seconds, [6.5 / 4] * 8 + [6.5 / 3] * 3)
        assert passed.ms_per_image == 1000 / 4


def test_tracing_is_start_up_even_of_a_single_batch(tiny, pictures, monkeypatch):
    """A graph is traced ahead of the first batch, whose seconds would otherwise be those of the features."""
    extractor, watch = Extractor(tiny, backbones.get("tiny").prepare, 11, PX), Watch()
    graph = extractor._moments_graph

    def slowly(images):
        watch.now += 100  # runs while the graph is traced
        return graph(images)

    signature = tf.TensorSpec((11, PX, PX, 3), tf.uint8)
    extractor._moments = tf.function(slowly, input_signature=[signature], autograph=False)
    monkeypatch.setattr(extraction, "time", watch)
    (passed,) = extractor.run([[tf.constant(pictures)]], [11], lambda done: None)
    assert passed.startup_seconds == 101
    assert passed.seconds.sum() == pytest.approx(2)  # a look for the wait, a look for the call
    assert passed.ms_per_image == 1000 / 11


def test_progress_counts_images(tiny, pictures):
    heard = []
    twice = ([batch, batch[:2]] for batch in batches(pictures, 4))
    Extractor(tiny, backbones.get("tiny").prepare, 4, PX).run(twice, [11, 6], heard.append)
    assert heard == [4, 6, 10, 12, 15, 17]


def test_a_spread_too_small_for_the_squared_mean_is_not_nan(pictures):
    inputs = tf.keras.Input((None, None, 3))
    nearly_constant = tf.keras.Model(inputs, tf.keras.layers.Rescaling(1e-5, offset=100.0)(inputs))
    extractor = Extractor(nearly_constant, lambda images: tf.cast(images, tf.float32), 4, PX)
    (passed,) = extractor.run(([batch] for batch in batches(pictures, 4)), [11], lambda done: None)
    assert (passed.variance >= 0).all()


def test_operations_are_counted():
    """One 3x3 convolution from 3 to 8 channels at stride 2: 2 * 27 * 8 * 16 * 16 operations at 32 px."""
    inputs = tf.keras.Input((None, None, 3))
    convolution = tf.keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)
    extractor = Extractor(
        tf.keras.Model(inputs, convolution(inputs)), lambda images: tf.cast(images, tf.float32), 2, PX
    )
    counted = extractor.gflops_per_image() * 1e9
    pooling = counted - 2 * 27 * 8 * 16 * 16
    assert 0 <= pooling <= 8 * 8 * 16 * 16  # the moments: a handful of operations for each number of the map


def test_batches_fit_the_budget_and_waste_little():
    assert batch_size(105, 512, 8 * 512 * 512) == 7  # 15 batches without padding; 8 would pad 7 places
    assert batch_size(105, 224, 8 * 512 * 512) == 35
    assert batch_size(3, 224, 8 * 512 * 512) == 3
    assert batch_size(10, 4096, 8 * 512 * 512) == 1
    for images in range(1, 300):
        size = batch_size(images, 512, 8 * 512 * 512)
        assert 1 <= size <= 8
        assert -images % size <= -images % min(8, images)
