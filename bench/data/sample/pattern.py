"""Details of petals: veins, bars, spots, dust, a rim or dark tips, a few pixels wide at 512 px and lost at 224."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bench.data.sample.canvas import Plane

# Position along the axis from the base and across it, and half width, all in units of the blade's length.
Pattern = Callable[[Plane, Plane, Plane], Plane]

_TURN = 2 * np.pi
_PERIOD = 0.048  # of lines: 4 to 6 pixels on the flower of a picture
_RIM = 0.042


def _veins(along: Plane, across: Plane, edge: Plane) -> Plane:
    return 0.5 + 0.5 * np.cos(across * (_TURN / _PERIOD))


def _bars(along: Plane, across: Plane, edge: Plane) -> Plane:
    return 0.5 + 0.5 * np.cos(along * (_TURN / _PERIOD))


def _spots(along: Plane, across: Plane, edge: Plane) -> Plane:
    waves = np.cos(along * (_TURN / (1.5 * _PERIOD))) * np.cos(across * (_TURN / (1.5 * _PERIOD)))
    spots: Plane = np.clip(4 * np.abs(waves) - 2, 0, 1)
    return spots


def _dust(along: Plane, across: Plane, edge: Plane) -> Plane:
    return _spots(along, across, edge) * np.clip((0.9 - along) / 0.2, 0, 1)


def _rim(along: Plane, across: Plane, edge: Plane) -> Plane:
    within = np.minimum(edge - np.abs(across), 1 - along)
    return np.clip(2 - within / _RIM, 0, 1)


def _tips(along: Plane, across: Plane, edge: Plane) -> Plane:
    return np.clip((along - 0.86) / 0.03, 0, 1)


PATTERNS: Mapping[str, Pattern] = {
    "veins": _veins,
    "bars": _bars,
    "spots": _spots,
    "dust": _dust,
    "rim": _rim,
    "tips": _tips,
}
