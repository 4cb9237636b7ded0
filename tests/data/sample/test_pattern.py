from __future__ import annotations

import numpy as np
import pytest

from bench.data.sample.blade import Paint, Shape, draw_blade, flat_pose
from bench.data.sample.canvas import SIDE, Canvas, shrink, to_bytes
from bench.data.sample.pattern import PATTERNS

PETAL = Shape(half_width=0.4, base=0.85, tip=0.3)
LENGTH_PX = 105  # of a petal of the middle size


def petal(pattern: str | None) -> np.ndarray:
    """One gray petal, uint8 (512, 512, 3)."""
    canvas = Canvas()
    gray = (0.8, 0.8, 0.8)
    draw_blade(canvas, flat_pose(200, 256, 0.3, LENGTH_PX), PETAL, Paint(gray, gray, pattern=pattern, ink=0.6))
    return to_bytes(canvas.pixels)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_darkens_a_part_of_a_petal_and_nothing_else(pattern):
    plain, marked = petal(None).astype(int), petal(pattern).astype(int)
    darker = (marked < plain - 10).any(axis=2)
    assert (marked <= plain).all()
    assert 0.02 < darker.sum() / (plain > 100).any(axis=2).sum() < 0.9


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_fades_at_224_px(pattern):
    """The energy of neighbouring pixels' differences that it adds, as a part of that at 512 px."""

    def added(side: int) -> float:
        plain, marked = (shrink(petal(kind), side)[:, :, 0].astype(float) for kind in (None, pattern))
        return float(np.square(np.diff(marked - plain, axis=1)).sum())

    assert added(224) < 0.7 * added(SIDE)


def test_veins_run_along_the_axis():
    along, across = np.linspace(0, 1, 50), np.full(50, 0.11)
    veins = PATTERNS["veins"](along, across, np.full(50, 0.4))
    np.testing.assert_allclose(veins, veins[0])
    assert np.ptp(PATTERNS["veins"](np.full(50, 0.5), np.linspace(0, 0.2, 50), np.full(50, 0.4))) > 0.9


def test_a_rim_lies_at_the_edge_and_tips_at_the_end():
    edge = np.array([0.3])
    assert PATTERNS["rim"](np.array([0.5]), np.array([0.29]), edge)[0] == 1
    assert PATTERNS["rim"](np.array([0.5]), np.array([0.1]), edge)[0] == 0
    assert PATTERNS["tips"](np.array([0.95]), np.array([0.0]), edge)[0] == 1
    assert PATTERNS["tips"](np.array([0.80]), np.array([0.0]), edge)[0] == 0
