from __future__ import annotations

import numpy as np
import pytest

from bench.data.sample.backdrop import BACKDROPS, draw_backdrop
from bench.data.sample.canvas import Canvas
from bench.data.sample.scene import draw_scene
from bench.data.sample.stream import Stream


@pytest.mark.parametrize("kind", BACKDROPS)
def test_a_backdrop_covers_everything(kind):
    canvas = Canvas()
    canvas.pixels[:] = np.nan
    draw_backdrop(canvas, Stream(1), kind)
    assert 0 <= canvas.pixels.min() < canvas.pixels.max() <= 1


def test_a_scene_is_a_function_of_its_label_and_stream():
    one = draw_scene(0, Stream(3))
    assert one.shape == (512, 512, 3)
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, draw_scene(0, Stream(3)))
    assert (one != draw_scene(1, Stream(3))).any()
    assert (one != draw_scene(0, Stream(4))).any()
