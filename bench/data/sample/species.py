"""The classes: species of invented flowers.

Each colour and each backdrop is usual for one or two species and occurs in others, so that neither identifies a species
alone; petals do. Both are still enough for networks with random weights to do better than chance.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.sample.blade import Shape
from bench.data.sample.canvas import Colour

WHITE: Colour = (0.93, 0.92, 0.88)
PINK: Colour = (0.90, 0.47, 0.62)
RED: Colour = (0.80, 0.13, 0.14)
ORANGE: Colour = (0.94, 0.50, 0.12)
YELLOW: Colour = (0.95, 0.80, 0.16)
VIOLET: Colour = (0.50, 0.30, 0.72)
BLUE: Colour = (0.35, 0.45, 0.85)


@dataclass(frozen=True)
class PetalRow:
    """One circle of petals.

    Attributes:
        petals: fewest and most.
        length: of a petal, in flower radii.
    """

    petals: tuple[int, int]
    length: float


@dataclass(frozen=True)
class Centre:
    """The middle of a flower.

    Attributes:
        radius: in flower radii.
        colour: of the disc.
        stamens: the number of threads around it.
        reach: their length, in flower radii.
    """

    radius: float
    colour: Colour
    stamens: int = 0
    reach: float = 0.0


@dataclass(frozen=True)
class Species:
    """One class.

    Attributes:
        name: invented.
        rows: outer to inner.
        shape: of a petal.
        colours: of the tips; a repeated one is more frequent.
        habitats: backdrops; a repeated one is more frequent.
        throat: colour of the petals' base, or None for a darker tip colour.
        centre: the middle.
        spots: dark spots on a petal.
    """

    name: str
    rows: tuple[PetalRow, ...]
    shape: Shape
    colours: tuple[Colour, ...]
    habitats: tuple[str, ...]
    throat: Colour | None
    centre: Centre
    spots: int = 0


SPECIES = (
    Species(
        "larkmere daisy",
        (PetalRow((17, 22), 1.0),),
        Shape(0.115, 0.45, 0.28),
        (WHITE, WHITE, WHITE, WHITE, YELLOW),
        ("meadow", "meadow", "meadow", "sky"),
        None,
        Centre(0.27, (0.90, 0.66, 0.10)),
    ),
    Species(
        "emberfold poppy",
        (PetalRow((2, 2), 1.0), PetalRow((2, 2), 0.92)),
        Shape(0.68, 0.62, 0.30, frill=0.05),
        (RED, RED, RED, RED, ORANGE),
        ("sky", "sky", "sky", "meadow"),
        (0.12, 0.06, 0.10),
        Centre(0.13, (0.30, 0.36, 0.16), stamens=34, reach=0.27),
    ),
    Species(
        "fivewind primrose",
        (PetalRow((5, 5), 1.0),),
        Shape(0.46, 0.95, 0.30, notch=0.22),
        (BLUE, BLUE, BLUE, VIOLET, PINK),
        ("soil", "soil", "soil", "leaves"),
        (0.95, 0.84, 0.30),
        Centre(0.09, (0.72, 0.72, 0.24)),
    ),
    Species(
        "lantern lily",
        (PetalRow((3, 3), 1.0), PetalRow((3, 3), 0.97)),
        Shape(0.25, 0.75, 0.85),
        (ORANGE, ORANGE, ORANGE, ORANGE, PINK),
        ("leaves", "leaves", "leaves", "bokeh"),
        None,
        Centre(0.06, (0.62, 0.66, 0.28), stamens=6, reach=0.52),
        spots=9,
    ),
    Species(
        "marsh trillow",
        (PetalRow((3, 3), 1.0),),
        Shape(0.40, 0.62, 0.62),
        (WHITE, WHITE, WHITE, PINK, VIOLET),
        ("bokeh", "bokeh", "bokeh", "pond"),
        (0.80, 0.84, 0.50),
        Centre(0.10, (0.86, 0.74, 0.22), stamens=6, reach=0.20),
    ),
    Species(
        "cobble rose",
        (
            PetalRow((5, 6), 1.0),
            PetalRow((5, 6), 0.84),
            PetalRow((5, 5), 0.66),
            PetalRow((4, 5), 0.48),
            PetalRow((3, 4), 0.30),
        ),
        Shape(0.52, 0.55, 0.24),
        (PINK, PINK, PINK, PINK, RED),
        ("stone", "stone", "stone", "leaves"),
        None,
        Centre(0.05, (0.80, 0.62, 0.30)),
    ),
    Species(
        "quillstar aster",
        (PetalRow((24, 30), 1.0), PetalRow((20, 26), 0.74)),
        Shape(0.060, 0.35, 0.60),
        (VIOLET, VIOLET, VIOLET, VIOLET, WHITE),
        ("sand", "sand", "sand", "stone"),
        None,
        Centre(0.17, (0.66, 0.50, 0.14)),
    ),
    Species(
        "moonspoon",
        (PetalRow((8, 9), 1.0),),
        Shape(0.27, 1.9, 0.34),
        (YELLOW, YELLOW, YELLOW, YELLOW, RED),
        ("pond", "pond", "pond", "soil"),
        None,
        Centre(0.16, (0.36, 0.42, 0.16), stamens=16, reach=0.24),
    ),
)
