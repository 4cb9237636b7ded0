"""Methods of `Backbone` that all families share. Wrong declarations are in test_function_backbone.py."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from backbones.base import Backbone, BackboneError


@dataclass(frozen=True, kw_only=True)
class Small(Backbone):
    """One convolution, `end`, of 8 channels."""

    def architecture(self):
        inputs = keras.Input((None, None, 3))
        return keras.Model(inputs, keras.layers.Conv2D(8, 3, strides=4, name="end")(inputs))

    def rescale(self, images):
        return images - 100.0


SMALL = Small(
    name="small", family="small", feature_width=8, stages=(("stage5", "end"),), parameters=224, gflops_224=2.0,
    weights_file=None,
)  # fmt: skip


@pytest.mark.parametrize(("px", "gflops"), [(224, 2.0), (112, 0.5), (448, 8.0), (512, 2.0 * 256 / 49)])
def test_operations_grow_with_the_number_of_pixels(px, gflops):
    assert SMALL.gflops_at(px) == pytest.approx(gflops)


@pytest.mark.parametrize(("px", "gflops"), [(512, 7.5), (224, 2.0), (448, 8.0)])
def test_operations_that_are_declared_count_at_512_alone(px, gflops):
    assert replace(SMALL, gflops_512=7.5).gflops_at(px) == gflops


@pytest.mark.parametrize(
    ("smallest", "largest", "text", "nearest"),
    [
        (32, None, "at least 32 px", {1: 32, 32: 32, 5000: 5000}),
        (64, 300, "64 to 300 px", {32: 64, 64: 64, 200: 200, 300: 300, 512: 300}),
        (299, 299, "exactly 299 px", {32: 299, 299: 299, 300: 299}),
    ],
)
def test_sides_of_an_image(smallest, largest, text, nearest):
    backbone = replace(SMALL, smallest_px=smallest, largest_px=largest)
    assert backbone.sides == text
    assert {px: backbone.nearest_px(px) for px in nearest} == nearest


def test_bytes_do_not_wrap_around_while_they_are_prepared():
    """99 - 100 in uint8 would be 255."""
    images = np.full((1, 2, 2, 3), 99, np.uint8)
    prepared = SMALL.prepare(images)
    assert prepared.dtype == tf.float32
    np.testing.assert_array_equal(prepared, np.full((1, 2, 2, 3), -1.0))


def test_floats_are_prepared_beside_the_argument_and_inside_a_function():
    images = np.full((1, 2, 2, 3), 99.5, np.float32)
    for prepare in (SMALL.prepare, tf.function(SMALL.prepare)):
        np.testing.assert_array_equal(prepare(images), np.full((1, 2, 2, 3), -0.5))
    np.testing.assert_array_equal(images, np.full((1, 2, 2, 3), 99.5))


def test_a_width_that_only_the_network_knows_is_not_checked():
    assert replace(SMALL, feature_width=0).build("random").output_shape[-1] == 8


def test_a_feature_vector_is_no_feature_map():
    @dataclass(frozen=True, kw_only=True)
    class Flat(Small):
        def architecture(self):
            inputs = keras.Input((None, None, 3))
            convolution = keras.layers.Conv2D(8, 3, name="end")(inputs)
            return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(convolution))

    flat = Flat(**{name: getattr(SMALL, name) for name in SMALL.__dataclass_fields__})
    with pytest.raises(BackboneError, match=r"gives \(None, 8\)"):
        flat.build("random")
