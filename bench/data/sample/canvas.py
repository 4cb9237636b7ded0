"""A picture while it is painted: blending, noise, and its reduction to bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.sample.stream import Stream

SIDE = 512

Plane = NDArray[np.float64]
Places = NDArray[np.int64]
Colour = tuple[float, float, float]


class Canvas:
    """A square picture.

    Attributes:
        pixels: float64 (3, 512 * 512), row by row, about 0..1.
    """

    def __init__(self) -> None:
        self.pixels: Plane = np.zeros((3, SIDE * SIDE))

    def fill(self, colour: Plane) -> None:
        """Paints all pixels with a colour (3, 512, 512)."""
        self.pixels = colour.reshape(3, -1)

    def paint(self, places: Places, colour: Plane, alpha: Plane) -> None:
        """Blends a colour into some pixels.

        Args:
            places: K indices of pixels.
            colour: (3, K), or (3, 1) for an even colour.
            alpha: (K,), 0..1.
        """
        for plane, tone in zip(self.pixels, colour, strict=True):
            under = plane[places]
            plane[places] = under + (tone - under) * alpha


@dataclass(frozen=True)
class Box:
    """Pixels from left, top to right, bottom (exclusive)."""

    left: int
    top: int
    right: int
    bottom: int

    def offsets(self, x: float, y: float) -> tuple[Plane, Plane]:
        """Distances of pixel centres right of x, (1, w), and below y, (h, 1)."""
        right: Plane = np.arange(self.left, self.right, dtype=np.float64) + (0.5 - x)
        below: Plane = np.arange(self.top, self.bottom, dtype=np.float64) + (0.5 - y)
        return right[None, :], below[:, None]

    def places(self, kept: Places) -> Places:
        """Indices in the canvas, from indices row by row in this box."""
        down, right = np.divmod(kept, self.right - self.left)
        in_canvas: Places = (down + self.top) * SIDE + (right + self.left)
        return in_canvas


def box_around(x: Sequence[float] | Plane, y: Sequence[float] | Plane) -> Box | None:
    """The smallest box of pixels around some points, clipped to the picture; None if empty."""
    left, top = max(int(min(x)), 0), max(int(min(y)), 0)
    right, bottom = min(int(max(x)) + 2, SIDE), min(int(max(y)) + 2, SIDE)
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def even(colour: Colour) -> Plane:
    """A colour as float64 (3, 1)."""
    return np.array(colour)[:, None]


def mix(first: Colour, second: Colour, share: Plane) -> Plane:
    """Two colours mixed: (3, ...); `share` (...) is that of the second, 0..1."""
    return np.stack([one + (other - one) * share for one, other in zip(first, second, strict=True)])


def scaled(colour: Colour, factor: float) -> Colour:
    """A colour made darker or lighter."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def noise(stream: Stream, down: int, across: int | None = None) -> Plane:
    """Smooth noise (512, 512) in 0..1 with this many bumps down and across."""
    across = across or down
    grid = stream.uniforms((down + 1) * (across + 1)).reshape(down + 1, across + 1)
    rows, part = _grid_positions(down)
    columns = grid[rows] + (grid[rows + 1] - grid[rows]) * part[:, None]
    rows, part = _grid_positions(across)
    left = np.take(columns, rows, axis=1)
    return left + (np.take(columns, rows + 1, axis=1) - left) * part


def speckle(stream: Stream) -> Plane:
    """Independent noise (512 * 512,) in -1..1, more often near 0, as from a sensor."""
    bits = stream.bits(SIDE * SIDE)
    halves = (bits >> np.uint64(32)) + (bits & np.uint64(0xFFFFFFFF))
    return halves.astype(np.float64) * 2.0**-32 - 1


def to_bytes(pixels: Plane) -> NDArray[np.uint8]:
    """uint8 (512, 512, 3) of pixels (3, 512 * 512)."""
    rounded = np.clip(pixels * 255.0 + 0.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(rounded.T).reshape(SIDE, SIDE, 3)


def shrink(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square picture (n, n, 3) as uint8 (side, side, 3), each pixel the mean of the area it covers; exact."""
    area = picture.shape[0] ** 2
    sums = _area_sums(_area_sums(picture.astype(np.int64), side).swapaxes(0, 1), side).swapaxes(0, 1)
    rounded: NDArray[np.int64] = (2 * sums + area) // (2 * area)
    return rounded.astype(np.uint8)


def _area_sums(values: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Sums over `side` equal parts of the first axis, which may end within a row, times `side`: (side, ...)."""
    until = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    row, rest = np.divmod(np.arange(1, side) * values.shape[0], side)
    rest = rest.reshape(-1, *[1] * (values.ndim - 1))
    cuts = side * until[row] + rest * values[row]
    return np.diff(np.concatenate([side * until[:1], cuts, side * until[-1:]]), axis=0)


def _grid_positions(cells: int) -> tuple[Places, Plane]:
    """For each of 512 pixels, the grid point before it and its eased position between that and the next, 0..1."""
    position = (np.arange(SIDE) + 0.5) * (cells / SIDE)
    before = position.astype(np.int64)
    part = position - before
    return before, part * part * (3 - 2 * part)
