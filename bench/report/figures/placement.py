"""Places for the labels of points so that none covers another: geometry only, in pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_ANGLES = np.arange(24) * np.pi / 12
_DISTANCES = np.array([12.0, 20.0, 32.0, 50.0, 74.0, 104.0])
_PASSES = 4


def place(anchors: Floats, sizes: Floats, obstacles: Floats, bounds: Floats) -> Floats:
    """The centres of labels of given sizes, each near its anchor.

    Each label in turn takes the cheapest of its candidate places; a few passes follow, because the first labels chose
    before the last ones were placed.

    Args:
        anchors: (L, 2), the points to be named.
        sizes: (L, 2), width and height of each label.
        obstacles: (B, 4), boxes x0, y0, x1, y1 to keep uncovered.
        bounds: (4,), the box that labels must stay in.

    Returns:
        (L, 2), one centre per label.
    """
    candidates = [_candidates(anchor, size) for anchor, size in zip(anchors, sizes, strict=True)]
    fixed = [_fixed_cost(*choice, size, obstacles, bounds) for choice, size in zip(candidates, sizes, strict=True)]
    centres = np.full((len(anchors), 2), np.inf)
    for _ in range(_PASSES):
        for label in range(len(anchors)):
            others = np.delete(_boxes(centres, sizes), label, axis=0)
            choices = candidates[label][0]
            crowding = _overlap(_boxes(choices, sizes[label]), others[np.isfinite(others).all(axis=1)])
            centres[label] = choices[np.argmin(fixed[label] + 30 * crowding / sizes[label].prod())]
    return centres


def _candidates(anchor: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Centres around an anchor (K, 2), and the cost of each without obstacles (K,)."""
    angle, distance = (grid.ravel() for grid in np.meshgrid(_ANGLES, _DISTANCES, indexing="ij"))
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    edge = direction / np.abs(direction).max(axis=1, keepdims=True)  # the same gap all round the box
    centres = anchor + edge * size / 2 + direction * distance[:, None]
    return centres, distance / 60 + 0.05 * (1 - direction[:, 0])  # near, and rather on the right


def _fixed_cost(centres: Floats, cost: Floats, size: Floats, obstacles: Floats, bounds: Floats) -> Floats:
    boxes = _boxes(centres, size)
    beyond = np.maximum(bounds[:2] - boxes[:, :2], 0) + np.maximum(boxes[:, 2:] - bounds[2:], 0)
    outside = beyond.sum(axis=1)
    total: Floats = cost + outside + 20 * _overlap(boxes, obstacles) / size.prod()
    return total


def _boxes(centres: Floats, sizes: Floats) -> Floats:
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


def _overlap(boxes: Floats, others: Floats) -> Floats:
    """The area of each box (K, 4) that others (B, 4) cover, counted as often as covered: (K,)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    covered: Floats = np.clip(high - low, 0, None).prod(axis=2).sum(axis=1)
    return covered
