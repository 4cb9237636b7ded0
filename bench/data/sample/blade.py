"""The shape of petals, leaves and grass: an outline along an axis, with veins and shading."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench.data.sample.canvas import Box, Canvas, Colour, Places, Plane, box_around, mix
from bench.data.sample.pattern import PATTERNS

_STEPS = 257
_SHADOW_PX = 5
_BLACK = np.zeros((3, 1))


@dataclass(frozen=True)
class Shape:
    """An outline. Lengths are in units of the blade's length.

    Attributes:
        half_width: the largest distance of the edge from the axis.
        base: how slowly the width grows from the base; 0.3 is blunt, 2 a stalk.
        tip: how slowly the width shrinks to the tip; 0.3 is round, 1 pointed.
        notch: depth of the cut in the tip.
        frill: height of the waves of the edge, as a part of the width.
    """

    half_width: float
    base: float
    tip: float
    notch: float = 0.0
    frill: float = 0.0


@dataclass(frozen=True)
class Pose:
    """Position and orientation of a blade.

    Attributes:
        x: of its base, in pixels.
        y: of its base, in pixels, downwards.
        to_blade: (2, 2), maps an offset in pixels to (along, across) in units of the blade's length.
        bend: sideways shift of the tip.
    """

    x: float
    y: float
    to_blade: Plane
    bend: float = 0.0


@dataclass(frozen=True)
class Paint:
    """Colours and relief.

    Attributes:
        base: colour at the base.
        tip: colour at the tip.
        reach: extent of the base's colour along the axis, 0..1.
        veins: depth of the veins, 0..1.
        tilt: difference in brightness of the two sides, -0.5..0.5.
        shadow: darkness of its shadow, 0..1.
        pattern: a key of `PATTERNS`, or None.
        ink: darkness of the pattern, 0..1.
    """

    base: Colour
    tip: Colour
    reach: float = 0.4
    veins: float = 0.1
    tilt: float = 0.1
    shadow: float = 0.35
    pattern: str | None = None
    ink: float = 0.0


def flat_pose(x: float, y: float, angle: float, length_px: float, bend: float = 0.0) -> Pose:
    """The pose of a blade that faces the viewer; the angle is in radians, clockwise from the right."""
    cos, sin = np.cos(angle) / length_px, np.sin(angle) / length_px
    return Pose(x, y, np.array([[cos, sin], [-sin, cos]]), bend)


def inverse(matrix: Plane) -> Plane:
    """The inverse of a (2, 2) matrix, ten times as fast as numpy's."""
    (a, b), (c, d) = matrix.tolist()
    determinant = a * d - b * c
    return np.array([[d / determinant, -b / determinant], [-c / determinant, a / determinant]])


def draw_blade(canvas: Canvas, pose: Pose, shape: Shape, paint: Paint) -> None:
    """Paints a blade and its shadow, clipped to the picture."""
    px = 1.2 * float(np.abs(pose.to_blade).sum(axis=0).max())
    reach = shape.half_width * (1 + shape.frill) + abs(pose.bend) + _SHADOW_PX * px
    x, y = inverse(pose.to_blade) @ np.array([[0, 0, 1, 1], [-reach, reach, -reach, reach]])
    box = box_around(x + pose.x, y + pose.y)
    if box is None:
        return
    places, along, across = _near(pose, box, reach)
    edge = np.interp(along, *_outline(shape))
    inside = edge - np.abs(across)
    if shape.notch:
        cut = 1 - shape.notch * np.clip(1 - np.abs(across) / (0.55 * shape.half_width), 0, None)
        inside = np.minimum(inside, cut - along)
    # Pixels under the blade need no shadow.
    rim = np.flatnonzero((inside > -_SHADOW_PX * px) & (inside < px / 2))
    shade = np.minimum(1 + inside[rim] / (_SHADOW_PX * px), 1)
    canvas.paint(places[rim], _BLACK, paint.shadow * shade)
    kept = np.flatnonzero(inside > -px / 2)
    alpha = np.clip(inside[kept] / px + 0.5, 0, 1)
    canvas.paint(places[kept], _shaded(along[kept], across[kept], edge[kept], paint), alpha)


def _near(pose: Pose, box: Box, reach: float) -> tuple[Places, Plane, Plane]:
    """Pixels in a strip around the axis, their positions along it and across, in units of the blade's length.

    Slow steps are done on these alone: a box around a slanting blade is nearly empty.
    """
    right, below = box.offsets(pose.x, pose.y)
    (a, b), (c, d) = pose.to_blade
    along = (a * right + b * below).ravel()
    across = (c * right + d * below).ravel()
    kept = np.flatnonzero((along > 0) & (along < 1) & (across < reach) & (across > -reach))
    along = along[kept]
    return box.places(kept), along, across[kept] - pose.bend * along * along


def _shaded(along: Plane, across: Plane, edge: Plane, paint: Paint) -> Plane:
    """Colours (3, K)."""
    part = np.clip(across / np.maximum(edge, 0.01), -1, 1)
    light = 1 + paint.tilt * part - 0.22 * part * part * np.abs(part)
    if paint.veins:
        middle = np.clip(1 - 9 * np.abs(part), 0, 1)
        light -= paint.veins * (middle + 0.35 * np.cos(part * 17.0))
    if paint.pattern:
        light *= 1 - paint.ink * PATTERNS[paint.pattern](along, across, edge)
    return mix(paint.base, paint.tip, np.clip(along / paint.reach, 0, 1)) * light


@lru_cache(maxsize=256)
def _outline(shape: Shape) -> tuple[Plane, Plane]:
    """Positions along the axis, and the half width at each."""
    along = np.linspace(0, 1, _STEPS)
    width = along**shape.base * (1 - along) ** shape.tip
    width = width * (shape.half_width / width.max())
    if shape.frill:
        width = width * (1 + shape.frill * np.cos(along * along * 38.0))
    return along, width
