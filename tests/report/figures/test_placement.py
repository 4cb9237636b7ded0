from __future__ import annotations

import numpy as np
import pytest

from bench.report.figures.placement import place

BOUNDS = np.array([0.0, 0.0, 800.0, 500.0])
NONE = np.empty((0, 4))


def boxes(centres, sizes):
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


def overlaps(a, b) -> bool:
    return bool(min(a[2], b[2]) - max(a[0], b[0]) > 1e-9 and min(a[3], b[3]) - max(a[1], b[1]) > 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_labels_overlap_neither_each_other_nor_the_edge(seed):
    rng = np.random.default_rng(seed)
    anchors = rng.uniform([60, 40], [740, 460], (14, 2))
    sizes = np.tile([120.0, 16.0], (14, 1))
    placed = boxes(place(anchors, sizes, boxes(anchors, np.full((14, 2), 14.0)), BOUNDS), sizes)
    assert not any(overlaps(placed[i], placed[j]) for i in range(14) for j in range(i))
    assert (placed[:, :2] >= BOUNDS[:2] - 1).all()
    assert (placed[:, 2:] <= BOUNDS[2:] + 1).all()


def test_a_label_stays_near_and_off_its_point():
    anchor, size = np.array([[400.0, 250.0]]), np.array([[100.0, 16.0]])
    centre = place(anchor, size, NONE, BOUNDS)
    box = boxes(centre, size)[0]
    gap = np.hypot(*(np.clip(anchor[0], box[:2], box[2:]) - anchor[0]))
    assert 5 < gap < 20


def test_an_obstacle_is_avoided():
    anchor, size = np.array([[400.0, 250.0]]), np.array([[100.0, 16.0]])
    wall = np.array([[405.0, 150.0, 800.0, 350.0]])
    box = boxes(place(anchor, size, wall, BOUNDS), size)[0]
    assert not overlaps(box, wall[0])


def test_coinciding_points_get_labels_apart():
    anchors, sizes = np.full((3, 2), 200.0), np.tile([80.0, 16.0], (3, 1))
    placed = boxes(place(anchors, sizes, NONE, BOUNDS), sizes)
    assert not any(overlaps(placed[i], placed[j]) for i in range(3) for j in range(i))


def test_no_labels():
    assert place(np.empty((0, 2)), np.empty((0, 2)), NONE, BOUNDS).shape == (0, 2)
