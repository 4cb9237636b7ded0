"""Backdrops of a flower: leaves, grass, soil, sky, stone, sand, water, or light through a wood."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bench.data.sample.blade import Paint, Shape, draw_blade, flat_pose
from bench.data.sample.canvas import SIDE, Canvas, Colour, box_around, even, mix, noise, scaled
from bench.data.sample.stream import Stream

_GREENS: tuple[Colour, ...] = ((0.16, 0.34, 0.10), (0.24, 0.42, 0.14), (0.34, 0.48, 0.16), (0.20, 0.38, 0.24))
_SHADE = even((0.12, 0.17, 0.10))
_LEAF = Shape(0.24, 0.7, 0.8)
_GRASS = Shape(0.022, 0.12, 0.7)


def draw_backdrop(canvas: Canvas, stream: Stream, kind: str) -> None:
    """Fills the whole picture with the backdrop of that name, slightly darkened."""
    BACKDROPS[kind](canvas, stream)
    canvas.pixels += (_SHADE - canvas.pixels) * 0.25


def draw_leaf(canvas: Canvas, stream: Stream, x: float, y: float, angle: float, length_px: float) -> None:
    """Paints one green leaf."""
    green = stream.choice(_GREENS)
    light = stream.uniform(0.75, 1.2)
    base, tip = (scaled(green, light * factor) for factor in (0.75, 1.1))
    paint = Paint(base, tip, 0.9, 0.16, stream.uniform(-0.25, 0.25), 0.4)
    draw_blade(canvas, flat_pose(x, y, angle, length_px, stream.uniform(-0.15, 0.15)), _LEAF, paint)


def draw_grass(canvas: Canvas, stream: Stream, count: int, root_y: float) -> None:
    """Paints blades of grass that grow upwards from about one height."""
    for _ in range(count):
        green = stream.choice(_GREENS)
        light = stream.uniform(0.8, 1.3)
        x, y = stream.uniform(-40, SIDE + 40), root_y + stream.uniform(0, 60)
        pose = flat_pose(
            x, y, -np.pi / 2 + stream.uniform(-0.5, 0.5), stream.uniform(200, 420), stream.uniform(-0.3, 0.3)
        )
        draw_blade(canvas, pose, _GRASS, Paint(scaled(green, light * 0.6), scaled(green, light), 0.9, 0.05, 0.1, 0.15))


def _leaves(canvas: Canvas, stream: Stream) -> None:
    canvas.fill(mix((0.03, 0.07, 0.03), (0.10, 0.19, 0.07), noise(stream, 5)))
    for _ in range(26):
        x, y = stream.uniforms(2, -60, SIDE + 60)
        draw_leaf(canvas, stream, x, y, stream.uniform(0, 2 * np.pi), stream.uniform(120, 240))


def _meadow(canvas: Canvas, stream: Stream) -> None:
    canvas.fill(mix((0.10, 0.20, 0.06), (0.34, 0.44, 0.18), noise(stream, 4, 14)))
    draw_grass(canvas, stream, 40, 420)
    draw_grass(canvas, stream, 40, SIDE)


def _soil(canvas: Canvas, stream: Stream) -> None:
    grain = 0.45 * noise(stream, 9) + 0.3 * noise(stream, 40) + 0.25 * noise(stream, 130)
    canvas.fill(mix((0.12, 0.08, 0.05), (0.56, 0.43, 0.31), np.clip(2.2 * grain - 0.6, 0, 1)))
    for _ in range(stream.integer(2, 7)):
        x, y = stream.uniforms(2, 0, SIDE)
        draw_leaf(canvas, stream, x, y, stream.uniform(0, 2 * np.pi), stream.uniform(60, 130))


def _sky(canvas: Canvas, stream: Stream) -> None:
    down = np.linspace(0, 1, SIDE)[:, None] + np.zeros(SIDE)
    canvas.fill(mix((0.30, 0.52, 0.82), (0.74, 0.84, 0.92), down))
    clouds = np.clip(2.4 * (0.6 * noise(stream, 3, 4) + 0.4 * noise(stream, 9, 12)) - 1.0, 0, 0.9)
    canvas.paint(np.arange(SIDE * SIDE), even((0.95, 0.95, 0.96)), clouds.ravel())
    draw_grass(canvas, stream, stream.integer(8, 24), SIDE + 60)


def _stone(canvas: Canvas, stream: Stream) -> None:
    grain = 0.5 * noise(stream, 3, 24) + 0.3 * noise(stream, 30, 60) + 0.2 * noise(stream, 160)
    canvas.fill(mix((0.28, 0.26, 0.26), (0.66, 0.63, 0.61), grain))


def _sand(canvas: Canvas, stream: Stream) -> None:
    ripples = 0.6 * noise(stream, 26, 4) + 0.4 * noise(stream, 170)
    canvas.fill(mix((0.56, 0.46, 0.31), (0.88, 0.78, 0.58), ripples))
    draw_grass(canvas, stream, stream.integer(2, 6), SIDE + 60)


def _pond(canvas: Canvas, stream: Stream) -> None:
    waves = 0.55 * noise(stream, 34, 5) + 0.45 * noise(stream, 12, 3)
    canvas.fill(mix((0.03, 0.10, 0.16), (0.30, 0.50, 0.56), waves * waves))


def _bokeh(canvas: Canvas, stream: Stream) -> None:
    canvas.fill(mix((0.30, 0.24, 0.30), (0.16, 0.32, 0.30), noise(stream, 3)))
    for _ in range(18):
        _draw_spot(canvas, stream)


def _draw_spot(canvas: Canvas, stream: Stream) -> None:
    """A lamp out of focus."""
    x, y = stream.uniforms(2, 0, SIDE)
    radius = stream.uniform(18, 62)
    strength = stream.uniform(0.08, 0.35)
    box = box_around((x - radius, x + radius), (y - radius, y + radius))
    if box is not None:
        right, below = box.offsets(x, y)
        alpha = strength * np.clip((radius - np.sqrt(right * right + below * below)) / 5, 0, 1).ravel()
        colour = stream.choice(((0.85, 0.90, 0.55), (0.95, 0.85, 0.70), (0.60, 0.80, 0.60)))
        canvas.paint(box.places(np.arange(alpha.size)), even(colour), alpha)


BACKDROPS: Mapping[str, Callable[[Canvas, Stream], None]] = {
    "leaves": _leaves,
    "meadow": _meadow,
    "soil": _soil,
    "sky": _sky,
    "stone": _stone,
    "bokeh": _bokeh,
    "sand": _sand,
    "pond": _pond,
}
