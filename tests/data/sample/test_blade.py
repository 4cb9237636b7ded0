from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.data.sample.blade import Paint, Pose, Shape, draw_blade, flat_pose, inverse
from bench.data.sample.canvas import SIDE, Canvas

FLAT = Paint((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), veins=0.0, tilt=0.0, shadow=0.0)
# along * (1 - along) is a parabola: its area is 2/3 of length times width.
PARABOLA = Shape(half_width=0.2, base=1.0, tip=1.0)


def drawn(pose: Pose, shape: Shape, paint: Paint = FLAT) -> np.ndarray:
    canvas = Canvas()
    draw_blade(canvas, pose, shape, paint)
    return canvas.pixels.reshape(3, SIDE, SIDE)


def area(picture: np.ndarray) -> int:
    return np.count_nonzero(picture.max(axis=0) > 0.3)


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.5, -1.6])
def test_its_area_is_that_of_its_outline_at_every_angle(angle):
    picture = drawn(flat_pose(256, 256, angle, 200), PARABOLA)
    assert area(picture) == pytest.approx(2 / 3 * 200 * 80, rel=0.02)


def test_it_points_where_the_angle_says():
    rows, columns = np.nonzero(drawn(flat_pose(256, 256, np.pi / 2, 200), PARABOLA).max(axis=0))
    assert (rows.min(), rows.max()) == pytest.approx((256, 456), abs=6)
    assert columns.mean() == pytest.approx(255.5, abs=0.5)


def test_what_lies_outside_is_cut_off():
    assert area(drawn(flat_pose(0, 256, 0, 200), PARABOLA)) == pytest.approx(2 / 3 * 200 * 80, rel=0.02)
    assert area(drawn(flat_pose(-100, 256, 0, 200), PARABOLA)) == pytest.approx(1 / 3 * 200 * 80, rel=0.03)
    assert area(drawn(flat_pose(-300, 256, 0, 200), PARABOLA)) == 0


def test_a_notch_takes_from_the_tip():
    whole = drawn(flat_pose(256, 256, 0, 200), Shape(0.3, 0.9, 0.2))
    notched = drawn(flat_pose(256, 256, 0, 200), Shape(0.3, 0.9, 0.2, notch=0.3))
    assert whole[0, 256, 256 + 180] > 0.5
    assert notched[0, 256, 256 + 180] == 0
    assert area(notched) < area(whole)


def test_a_shadow_darkens_around_and_only_there():
    canvas = Canvas()
    canvas.pixels += 0.5
    draw_blade(canvas, flat_pose(256, 256, 0, 200), PARABOLA, replace(FLAT, shadow=0.5))
    column = canvas.pixels.reshape(3, SIDE, SIDE)[0, :, 356]
    assert column[256] > 0.7
    assert column[256 + 42] < 0.49
    assert column[256 + 60] == 0.5


def test_inverse_of_two_by_two():
    matrix = np.array([[2.0, 1.0], [0.5, -3.0]])
    np.testing.assert_allclose(inverse(matrix) @ matrix, np.eye(2), atol=1e-15)
