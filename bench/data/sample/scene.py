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


def draw_scene(label: int, stream: Stream, exposure: Stream) -> NDArray[np.uint8]:
    """A picture of class `label`: its largest flower, among smaller ones of any class.

    Args:
        label: of the class.
        stream: decides the scene.
        exposure: decides brightness, tint, blur and the noise of the sensor.

    Returns:
        uint8 (512, 512, 3).
    """
    canvas = Canvas()
    species = SPECIES[label]
    # A stray has the colours and backdrops of any species; only its petals identify it.
    usual = species if stream.chance(0.76) else stream.choice(SPECIES)
    draw_backdrop(canvas, stream, stream.choice(usual.habitats))
    for _ in range(stream.integer(0, 2)):
        _draw_plant(canvas, stream, stream.choice(SPECIES), _around(stream, 200, 290), stream.uniform(32, 56))
    x, y = _around(stream, 0, 80)
    _draw_plant(canvas, stream, replace(species, colours=usual.colours), (x, y), stream.uniform(85, 128))
    _draw_occluders(canvas, stream, x, y)
    canvas.pixels *= (1 + stream.uniform(0.0, 0.4) * (noise(stream, 2) - 0.5)).ravel()
    return to_bytes(exposed(canvas.pixels, exposure))


def _around(stream: Stream, nearest: float, farthest: float) -> tuple[float, float]:
    """A point at that distance from the middle, in pixels."""
    angle, distance = stream.uniform(0, _TURN), stream.uniform(nearest, farthest)
    return float(SIDE / 2 + distance * np.cos(angle)), float(SIDE / 2 + distance * np.sin(angle))


def _draw_plant(canvas: Canvas, stream: Stream, species: Species, place: tuple[float, float], radius_px: float) -> None:
    x, y = place
    lean = np.pi / 2 + stream.uniform(-0.4, 0.4)
    draw_blade(canvas, flat_pose(x, y, lean, 3.2 * radius_px, stream.uniform(-0.2, 0.2)), _STEM, _GREEN)
    for _ in range(stream.integer(0, 3)):
        length_px = radius_px * stream.uniform(0.9, 1.5)
        draw_leaf(canvas, stream, x, y + radius_px * 0.6, stream.uniform(0, np.pi), length_px)
    draw_flower(canvas, stream, species, view(stream, x, y, radius_px))


def _draw_occluders(canvas: Canvas, stream: Stream, x: float, y: float) -> None:
    """Grass in front of the picture, and a leaf that reaches the flower at x, y."""
    if stream.chance(0.4):
        draw_grass(canvas, stream, stream.integer(4, 10), SIDE + 20)
    if stream.chance(0.4):
        edge = stream.uniform(0, _TURN)
        start_x, start_y = x + 190 * np.cos(edge), y + 190 * np.sin(edge)
        draw_leaf(canvas, stream, start_x, start_y, edge + np.pi + stream.uniform(-0.3, 0.3), stream.uniform(120, 190))


def exposed(pixels: Plane, stream: Stream) -> Plane:
    """Pixels (3, 512 * 512) as a camera takes them: brighter or darker, tinted, out of focus at times, with noise."""
    lit = pixels * (stream.uniform(0.8, 1.12) + stream.uniforms(3, -0.06, 0.06)[:, None])
    for _ in range(stream.choice((0, 0, 0, 0, 1, 2))):
        lit = softened(lit)
    return lit + stream.uniform(0.006, 0.02) * speckle(stream)


def softened(pixels: Plane) -> Plane:
    """Each pixel mixed with its neighbours in the proportions 1, 2, 1, down and across."""
    found = pixels.reshape(3, SIDE, SIDE)
    for _ in range(2):
        padded = np.pad(found, ((0, 0), (1, 1), (0, 0)), mode="edge")
        found = ((padded[:, :-2] + padded[:, 2:] + 2 * found) / 4).swapaxes(1, 2)
    return found.reshape(3, -1)


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


def draw_flower(canvas: Canvas, stream: Stream, species: Species, seen: Viewpoint) -> None:
    """Paints petals from the outside in, then the centre."""
    tip = _tinted(stream, stream.choice(species.colours), 0.08)
    base = _tinted(stream, species.throat, 0.04) if species.throat else scaled(tip, stream.uniform(0.62, 0.85))
    for number, row in enumerate(species.rows):
        turned = replace(seen, turn=seen.turn + number * np.pi / row.petals[1])
        depth = 1 - 0.05 * number
        reach = 0.42 if species.throat else 0.7
        colours = scaled(base, depth), scaled(tip, depth)
        paint = Paint(*colours, reach, veins=0.04, shadow=0.3, pattern=species.pattern, ink=species.ink)
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
        if centre.anthers:
            _draw_disc(canvas, seen, _polar(angle, reach + 0.03), 0.030, centre.anthers)
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
