"""A whole picture: backdrop, stems, flowers of a species seen from an angle, occluding leaves, and the light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.data.sample.backdrop import draw_backdrop, draw_grass, draw_leaf
from bench.data.sample.blade import Paint, Pose, Shape, draw_blade, flat_pose, inverse
from bench.data.sample.canvas import SIDE, Canvas, Colour, Plane, box_around, even, noise, scaled, speckle, to_bytes
from bench.data.sample.species import SPECIES, Centre, PetalRow, Species
from bench.data.sample.stream import Stream

_STEM = Shape(0.022, 0.02, 0.02)
_GREEN = Paint((0.30, 0.44, 0.18), (0.18, 0.32, 0.10), reach=0.9, veins=0.0, tilt=0.2, shadow=0.3)
_TURN = 2 * np.pi
_INSET = 0.03  # of petals from the middle, in flower radii, so that blunt bases do not meet in a point
_SPOT: Colour = (0.32, 0.08, 0.06)


def draw_scene(label: int, stream: Stream) -> NDArray[np.uint8]:
    """uint8 (512, 512, 3): a picture of class `label`; the stream decides the rest."""
    canvas = Canvas()
    species = SPECIES[label]
    # A stray has the colour and backdrop of any species; only its petals identify it.
    usual = species if stream.chance(0.88) else stream.choice(SPECIES)
    draw_backdrop(canvas, stream, stream.choice(usual.habitats))
    colour = stream.choice(usual.colours)
    for _ in range(stream.choice((0, 0, 0, 1, 2))):
        _draw_plant(canvas, stream, species, colour, _place(stream, 0.42), stream.uniform(55, 95))
    _draw_plant(canvas, stream, species, colour, _place(stream, 0.08), stream.uniform(160, 225))
    _draw_occluders(canvas, stream)
    return to_bytes(_lit(canvas, stream))


def _place(stream: Stream, spread: float) -> tuple[float, float]:
    """A point at most `spread` of the side away from the middle."""
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


@dataclass(frozen=True)
class Viewpoint:
    """Place and orientation of a flower.

    Attributes:
        x: of the middle, in pixels.
        y: of the middle, in pixels, downwards.
        to_flower: (2, 2), maps an offset in pixels to the plane of the flower, in flower radii.
        turn: of the flower in its plane, in radians.
    """

    x: float
    y: float
    to_flower: Plane
    turn: float


def view(stream: Stream, x: float, y: float, radius_px: float) -> Viewpoint:
    """A view at up to about 55 degrees from straight above."""
    direction, foreshortening = stream.uniform(0, _TURN), stream.uniform(0.68, 1.0)
    cos, sin = np.cos(direction), np.sin(direction)
    rotation = np.array([[cos, sin], [-sin, cos]])
    squeeze = np.diag([1 / radius_px, 1 / (radius_px * foreshortening)])
    return Viewpoint(x, y, rotation.T @ squeeze @ rotation, stream.uniform(0, _TURN))


def draw_flower(canvas: Canvas, stream: Stream, species: Species, colour: Colour, seen: Viewpoint) -> None:
    """Paints petals of about that colour from the outside in, then the centre."""
    tip = _tinted(stream, colour, 0.04)
    base = _tinted(stream, species.throat, 0.04) if species.throat else scaled(tip, stream.uniform(0.62, 0.85))
    for number, row in enumerate(species.rows):
        turned = replace(seen, turn=seen.turn + number * np.pi / row.petals[1])
        depth = 1 - 0.05 * number
        reach = 0.32 if species.throat else 0.7
        paint = Paint(scaled(base, depth), scaled(tip, depth), reach, veins=0.07, shadow=0.3)
        _draw_row(canvas, stream, species, row, turned, paint)
    _draw_centre(canvas, stream, species.centre, seen)


def _draw_row(canvas: Canvas, stream: Stream, species: Species, row: PetalRow, seen: Viewpoint, paint: Paint) -> None:
    count = stream.integer(*row.petals)
    for number in range(count):
        angle = seen.turn + (number + stream.uniform(-0.13, 0.13)) * _TURN / count
        length = row.length * stream.uniform(0.9, 1.06)
        pose = _petal_pose(seen, angle, length, stream.uniform(-0.1, 0.1))
        tilt = stream.uniform(0.02, 0.2) * (1 if np.cos(angle) > 0 else -1)
        draw_blade(canvas, pose, species.shape, replace(paint, tilt=tilt))
        for _ in range(species.spots):
            place = _polar(angle + stream.uniform(-0.16, 0.16), stream.uniform(0.2, 0.5))
            _draw_disc(canvas, seen, place, 0.018, _SPOT)


def _petal_pose(seen: Viewpoint, angle: float, length: float, bend: float) -> Pose:
    cos, sin = np.cos(angle), np.sin(angle)
    to_petal = np.array([[cos, sin], [-sin, cos]]) / length
    start = inverse(seen.to_flower) @ (np.array([cos, sin]) * _INSET)
    return Pose(seen.x + start[0], seen.y + start[1], to_petal @ seen.to_flower, bend)


def _draw_centre(canvas: Canvas, stream: Stream, centre: Centre, seen: Viewpoint) -> None:
    colour = _tinted(stream, centre.colour, 0.05)
    for number in range(centre.stamens):
        angle = seen.turn + (number + stream.uniform(-0.2, 0.2)) * _TURN / centre.stamens
        reach = centre.reach * stream.uniform(0.8, 1.1)
        thread = Shape(0.035, 0.1, 0.1)
        draw_blade(canvas, _petal_pose(seen, angle, reach, 0.05), thread, Paint(colour, colour, 0.5, 0, 0, 0.2))
        _draw_disc(canvas, seen, _polar(angle, reach + 0.03), 0.035, scaled(colour, 0.55))
    _draw_disc(canvas, seen, (0.0, 0.0), centre.radius, colour)


def _draw_disc(canvas: Canvas, seen: Viewpoint, middle: tuple[float, float], radius: float, colour: Colour) -> None:
    """A grainy dome in the plane of the flower, darker towards its rim and lit from above."""
    right, down = inverse(seen.to_flower) @ np.array(middle)
    x, y = seen.x + right, seen.y + down
    to_disc = seen.to_flower / radius
    px = float(np.abs(to_disc).max())
    reach = 1.8 / px + 1
    box = box_around((x - reach, x + reach), (y - reach, y + reach))
    if box is None:
        return
    dx, dy = box.offsets(x, y)
    (a, b), (c, d) = to_disc
    u, v = (a * dx + b * dy).ravel(), (c * dx + d * dy).ravel()
    square = u * u + v * v
    # The squared distance changes by 2 per radius at the rim.
    kept = np.flatnonzero(square < 1 + px)
    u, v, square = u[kept], v[kept], square[kept]
    light = 1.08 - 0.4 * square - 0.15 * v + 0.13 * np.cos(19 * u) * np.cos(19 * v)
    canvas.paint(box.places(kept), even(colour) * light, np.clip((1 - square) / (2 * px) + 0.5, 0, 1))


def _polar(angle: float, distance: float) -> tuple[float, float]:
    return float(distance * np.cos(angle)), float(distance * np.sin(angle))


def _tinted(stream: Stream, colour: Colour, amount: float) -> Colour:
    shift = stream.uniforms(3, -amount, amount)
    return tuple(float(np.clip(value, 0.02, 1)) for value in np.array(colour) + shift)  # type: ignore[return-value]
