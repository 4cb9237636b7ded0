from __future__ import annotations

import numpy as np
import pytest

from bench.data.sample.backdrop import BACKDROPS, draw_backdrop
from bench.data.sample.canvas import Canvas
from bench.data.sample.scene import draw_scene, softened
from bench.data.sample.stream import Stream


@pytest.mark.parametrize("kind", BACKDROPS)
def test_a_backdrop_covers_everything(kind):
    canvas = Canvas()
    canvas.pixels[:] = np.nan
    draw_backdrop(canvas, Stream(1), kind)
    assert 0 <= canvas.pixels.min() < canvas.pixels.max() <= 1


def test_a_scene_is_a_function_of_its_label_and_streams():
    one = draw_scene(0, Stream(3), Stream(5))
    assert one.shape == (512, 512, 3)
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, draw_scene(0, Stream(3), Stream(5)))
    for other in (draw_scene(1, Stream(3), Stream(5)), draw_scene(0, Stream(4), Stream(5))):
        assert (one != other).any()


def test_another_exposure_shows_the_same_scene_in_other_light():
    one, other = (draw_scene(2, Stream(3), Stream(seed)).astype(float) for seed in (5, 6))
    blocks = [picture.reshape(64, 8, 64, 8, 3).mean(axis=(1, 3)).ravel() for picture in (one, other)]
    assert (one != other).any()
    assert np.corrcoef(*blocks)[0, 1] > 0.9


def test_softening_spreads_a_point_as_the_binomial_of_four_does():
    pixels = np.zeros((3, 512 * 512))
    pixels[1, 256 * 512 + 256] = 16.0
    found = softened(pixels).reshape(3, 512, 512)
    assert found[1, 255:258, 255:258].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert found.sum() == 16


def test_softening_changes_no_even_picture():
    even = np.full((3, 512 * 512), 0.25)
    np.testing.assert_array_equal(softened(even), even)
