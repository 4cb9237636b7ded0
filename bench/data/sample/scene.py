"""A whole picture: backdrop, stem, one flower or more, what hides them, and the light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.data.sample.backdrop import draw_backdrop, draw_grass, draw_leaf
from bench.data.sample.blade import Paint, Shape, draw_blade, flat_pose
from bench.data.sample.canvas import SIDE, Canvas, Colour, noise, speckle, to_bytes
from bench.data.sample.flower import draw_flower, view
from bench.data.sample.species import SPECIES, Species
from bench.data.sample.stream import Stream

_STEM = Shape(0.022, 0.02, 0.02)
_GREEN = Paint((0.30, 0.44, 0.18), (0.18, 0.32, 0.10), reach=0.9, veins=0.0, tilt=0.2, shadow=0.3)


def draw_scene(label: int, stream: Stream) -> NDArray[np.uint8]:
    """uint8 (512, 512, 3): a picture of class `label`; what else is on it, the stream decides."""
    canvas = Canvas()
    species = SPECIES[label]
    # A stray has the colour and the place of any species: only its petals tell.
    usual = species if stream.chance(0.88) else stream.choice(SPECIES)
    draw_backdrop(canvas, stream, stream.choice(usual.habitats))
    colour = stream.choice(usual.colours)
    for _ in range(stream.choice((0, 0, 0, 1, 2))):
        _draw_plant(canvas, stream, species, colour, _place(stream, 0.42), stream.uniform(55, 95))
    _draw_plant(canvas, stream, species, colour, _place(stream, 0.08), stream.uniform(160, 225))
    _draw_occluders(canvas, stream)
    return to_bytes(_lit(canvas, stream))


def _place(stream: Stream, spread: float) -> tuple[float, float]:
    """Around the middle of the picture, at most `spread` of its side away."""
    x, y = SIDE * (0.5 + stream.uniforms(2, -spread, spread))
    return float(x), float(y)


def _draw_plant(
    canvas: Canvas, stream: Stream, species: Species, colour: Colour, place: tuple[float, float], radius_px: float
) -> None:
    x, y = place
    lean = np.pi / 2 + stream.uniform(-0.4, 0.4)
    draw_blade(canvas, flat_pose(x, y, lean, 3.2 * radius_px, stream.uniform(-0.2, 0.2)), _STEM, _GREEN)
    for _ in range(stream.integer(0, 3)):
        length_px = radius_px * stream.uniform(0.9, 1.5)
        draw_leaf(canvas, stream, x, y + radius_px * 0.6, stream.uniform(0, np.pi), length_px)
    draw_flower(canvas, stream, species, colour, view(stream, x, y, radius_px))


def _draw_occluders(canvas: Canvas, stream: Stream) -> None:
    if stream.chance(0.3):
        draw_grass(canvas, stream, stream.integer(2, 5), SIDE + 20)
    if stream.chance(0.3):
        edge = stream.uniform(0, 2 * np.pi)
        x, y = SIDE / 2 + 290 * np.cos(edge), SIDE / 2 + 290 * np.sin(edge)
        draw_leaf(canvas, stream, x, y, edge + np.pi + stream.uniform(-0.3, 0.3), stream.uniform(170, 270))


def _lit(canvas: Canvas, stream: Stream) -> NDArray[np.float64]:
    """The picture under uneven, slightly coloured light, with the noise of a sensor."""
    light = stream.uniform(0.92, 1.08) + stream.uniform(0.0, 0.25) * (noise(stream, 2) - 0.5)
    tint = 1 + stream.uniforms(3, -0.03, 0.03)[:, None]
    return canvas.pixels * light.ravel() * tint + stream.uniform(0.006, 0.014) * speckle(stream)
