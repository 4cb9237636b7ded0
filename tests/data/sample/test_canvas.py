from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bench.data.sample.canvas import SIDE, Canvas, box_around, even, noise, shrink, speckle, to_bytes
from bench.data.sample.stream import Stream


def test_paint_mixes_by_alpha():
    canvas = Canvas()
    canvas.paint(np.array([0, 5]), even((1.0, 0.5, 0.0)), np.array([1.0, 0.25]))
    assert canvas.pixels[:, 0].tolist() == [1.0, 0.5, 0.0]
    assert canvas.pixels[:, 5].tolist() == [0.25, 0.125, 0.0]
    assert canvas.pixels[:, 1].tolist() == [0.0, 0.0, 0.0]


def test_a_box_is_cut_at_the_edges_of_the_picture():
    box = box_around((-7.5, 1.2), (509.0, 600.0))
    assert (box.left, box.top, box.right, box.bottom) == (0, 509, 3, SIDE)
    assert box.places(np.array([0, 4])).tolist() == [509 * SIDE, 510 * SIDE + 1]
    assert box_around((-9.0, -3.0), (5.0, 6.0)) is None


def test_bytes_are_rounded_and_clipped():
    pixels = np.zeros((3, SIDE * SIDE))
    pixels[:, 1] = (0.5, -1.0, 2.0)
    picture = to_bytes(pixels)
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture[0, 1].tolist() == [128, 0, 255]


def test_shrinking_gives_exact_means_of_areas():
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    found = shrink(picture, 3)
    overlap = [
        [max(Fraction(0), min(Fraction(8 * i + 8, 3), j + 1) - max(Fraction(8 * i, 3), Fraction(j))) for j in range(8)]
        for i in range(3)
    ]
    for i, k, c in np.ndindex(3, 3, 3):
        total = sum(overlap[i][j] * overlap[k][m] * int(picture[j, m, c]) for j in range(8) for m in range(8))
        assert found[i, k, c] == (total / Fraction(64, 9) + Fraction(1, 2)) // 1


def test_shrinking_an_even_picture_changes_nothing():
    assert (shrink(np.full((SIDE, SIDE, 3), 201, np.uint8), 224) == 201).all()


@pytest.mark.parametrize("cells", [1, 3, 512])
def test_noise_is_smooth_and_in_range(cells):
    field = noise(Stream(1), cells, 2)
    assert field.shape == (SIDE, SIDE)
    assert 0 <= field.min() < field.max() < 1
    # The easing curve is at most 1.5 times as steep as a straight line between neighbours.
    assert np.abs(np.diff(field, axis=1)).max() <= 1.5 * 2 / SIDE


def test_speckle_has_no_mean():
    grain = speckle(Stream(2))
    assert np.abs(grain).max() < 1
    # The sum of two uniform numbers has variance 1/6.
    assert grain.mean() == pytest.approx(0, abs=0.005)
    assert grain.var() == pytest.approx(1 / 6, rel=0.02)
