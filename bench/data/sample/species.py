"""The classes: species of invented flowers, in pairs.

Species of a pair share petals, colours and backdrops and differ in a detail of a few pixels. Each backdrop occurs in
several pairs and each colour may, so that neither identifies a pair alone; petals do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
        anthers: colour of their ends, or None for bare threads.
    """

    radius: float
    colour: Colour
    stamens: int = 0
    reach: float = 0.0
    anthers: Colour | None = None


@dataclass(frozen=True)
class Species:
    """One class.

    Attributes:
        name: invented; its last word is that of the pair.
        rows: outer to inner.
        shape: of a petal.
        colours: of the tips; a repeated one is more frequent.
        habitats: backdrops; a repeated one is more frequent.
        throat: colour of the petals' base, or None for a darker tip colour.
        centre: the middle.
        pattern: of the petals, a key of `PATTERNS`, or None.
        ink: darkness of the pattern, 0..1.
    """

    name: str
    rows: tuple[PetalRow, ...]
    shape: Shape
    colours: tuple[Colour, ...]
    habitats: tuple[str, ...]
    throat: Colour | None
    centre: Centre
    pattern: str | None = None
    ink: float = 0.0


_DAISY = Species(
    "plain daisy",
    (PetalRow((15, 20), 1.0),),
    Shape(0.125, 0.45, 0.28),
    (WHITE, WHITE, WHITE, YELLOW),
    ("meadow", "meadow", "sky", "sand"),
    None,
    Centre(0.24, (0.90, 0.66, 0.10)),
)
_POPPY = Species(
    "bare poppy",
    (PetalRow((2, 2), 1.0), PetalRow((2, 2), 0.92)),
    Shape(0.68, 0.62, 0.30, frill=0.05),
    (RED, RED, RED, ORANGE),
    ("sky", "meadow", "meadow", "soil"),
    None,
    Centre(0.12, (0.55, 0.58, 0.26), stamens=32, reach=0.42),
)
_CRANESBILL = Species(
    "clear cranesbill",
    (PetalRow((5, 5), 1.0),),
    Shape(0.40, 0.85, 0.30),
    (VIOLET, VIOLET, PINK, PINK),
    ("leaves", "stone", "bokeh", "meadow"),
    None,
    Centre(0.07, (0.72, 0.72, 0.34), stamens=8, reach=0.17),
)
_PRIMROSE = Species(
    "even primrose",
    (PetalRow((5, 5), 1.0),),
    Shape(0.46, 0.95, 0.30, notch=0.22),
    (BLUE, BLUE, BLUE, YELLOW),
    ("soil", "leaves", "stone", "pond"),
    (0.95, 0.84, 0.30),
    Centre(0.09, (0.72, 0.72, 0.24)),
)
_LILY = Species(
    "pale lily",
    (PetalRow((3, 3), 1.0), PetalRow((3, 3), 0.97)),
    Shape(0.25, 0.75, 0.85),
    (ORANGE, ORANGE, ORANGE, PINK),
    ("leaves", "bokeh", "pond", "sky"),
    None,
    Centre(0.06, (0.62, 0.66, 0.28), stamens=6, reach=0.45, anthers=(0.40, 0.20, 0.10)),
)
_MOONSPOON = Species(
    "veined moonspoon",
    (PetalRow((8, 9), 1.0),),
    Shape(0.24, 1.5, 0.34),
    (YELLOW, YELLOW, YELLOW, RED),
    ("pond", "sand", "stone", "bokeh"),
    None,
    Centre(0.24, (0.34, 0.24, 0.12)),
    pattern="veins",
    ink=0.5,
)

SPECIES = (
    _DAISY,
    replace(
        _POPPY, name="dusted poppy", centre=replace(_POPPY.centre, anthers=(0.18, 0.10, 0.12)), pattern="dust", ink=0.6
    ),
    _CRANESBILL,
    replace(_LILY, name="freckled lily", pattern="spots", ink=0.5),
    replace(_PRIMROSE, name="edged primrose", pattern="rim", ink=0.85),
    _MOONSPOON,
    replace(_MOONSPOON, name="barred moonspoon", pattern="bars"),
    _PRIMROSE,
    _LILY,
    replace(_CRANESBILL, name="veined cranesbill", pattern="veins", ink=0.4),
    _POPPY,
    replace(_DAISY, name="tipped daisy", pattern="tips", ink=0.8),
)


def are_alike(one: int, other: int) -> bool:
    """Whether two classes are of one pair, and differ in a detail only."""
    return SPECIES[one].name.split()[-1] == SPECIES[other].name.split()[-1]
