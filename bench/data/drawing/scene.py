"""A whole picture: backdrop, stem, one flower or more, what hides them, and the light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.data.drawing.backdrop import draw_backdrop, draw_grass, draw_leaf
from bench.data.drawing.blade import Paint, Shape, draw_blade, flat_pose
from bench.data.drawing.canvas import SIDE, Canvas, noise, speckle, to_bytes
from bench.data.drawing.flower import draw_flower, view
from bench.data.drawing.species import SPECIES
from bench.data.drawing.stream import Stream

_STEM = Shape(0.022, 0.02, 0.02)


def draw_scene(label: int, stream: Stream) -> NDArray[np.uint8]:
    """uint8 (512, 512, 3): a picture of class `label`; what else is on it, the stream decides."""
    canvas = Canvas()
    draw_backdrop(canvas, stream)
    for _ in range(stream.choice((0, 0, 0, 1, 2))):
        _draw_plant(canvas, stream, label, stream.uniform(45, 80), spread=0.42)
    _draw_plant(canvas, stream, label, stream.uniform(95, 190), spread=0.16)
    _draw_occluders(canvas, stream)
    return to_bytes(_lit(canvas, stream))


def _draw_plant(canvas: Canvas, stream: Stream, label: int, radius_px: float, spread: float) -> None:
    x, y = SIDE * (0.5 + stream.uniforms(2, -spread, spread))
    lean = np.pi / 2 + stream.uniform(-0.4, 0.4)
    paint = Paint((0.30, 0.44, 0.18), (0.18, 0.32, 0.10), 0.9, 0.0, 0.2, 0.3)
    draw_blade(canvas, flat_pose(x, y, lean, 3.2 * radius_px, stream.uniform(-0.2, 0.2)), _STEM, paint)
    for _ in range(stream.integer(0, 3)):
        draw_leaf(
            canvas, stream, x, y + radius_px * 0.6, stream.uniform(0, np.pi), radius_px * stream.uniform(0.9, 1.5)
        )
    draw_flower(canvas, stream, SPECIES[label], view(stream, x, y, radius_px))


def _draw_occluders(canvas: Canvas, stream: Stream) -> None:
    if stream.chance(0.35):
        draw_grass(canvas, stream, stream.integer(2, 5), SIDE + 20)
    if stream.chance(0.35):
        edge = stream.uniform(0, 2 * np.pi)
        x, y = SIDE / 2 + 290 * np.cos(edge), SIDE / 2 + 290 * np.sin(edge)
        draw_leaf(canvas, stream, x, y, edge + np.pi + stream.uniform(-0.3, 0.3), stream.uniform(170, 270))


def _lit(canvas: Canvas, stream: Stream) -> NDArray[np.float64]:
    """The picture under uneven, slightly coloured light, with the noise of a sensor."""
    light = stream.uniform(0.72, 1.18) + stream.uniform(0.0, 0.5) * (noise(stream, 2) - 0.5)
    tint = 1 + stream.uniforms(3, -0.09, 0.09)[:, None]
    return canvas.pixels * light.ravel() * tint + stream.uniform(0.008, 0.045) * speckle(stream)
