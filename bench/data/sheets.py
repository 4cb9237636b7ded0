"""Contact sheets: small pictures with captions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from bench.errors import one_line

GAP = 8
_INK, _FAINT, _PAPER = "#222222", "#666666", "#ffffff"
_TITLE, _CAPTION = 14, 11  # font sizes
_TITLE_HEIGHT, _CAPTION_HEIGHT = 20, 16
_LONGEST = 200  # letters of a title
_TALL = 1.4  # largest height of a sheet in widths, unless it has too few rows for several columns


class Cell(NamedTuple):
    """A picture and its caption, if any."""

    image: Image.Image
    caption: str = ""


class SheetRow(NamedTuple):
    """Pictures under one title."""

    title: str
    cells: Sequence[Cell]


def sheet(rows: Sequence[SheetRow], side: int) -> Image.Image:
    """All rows, top to bottom and then left to right.

    Args:
        rows: at least one.
        side: of a cell in pixels; pictures are fitted into it.
    """
    width = max(len(row.cells) for row in rows) * (side + GAP) + GAP
    captions = any(cell.caption for row in rows for cell in row.cells)
    height = _TITLE_HEIGHT + side + captions * _CAPTION_HEIGHT + GAP
    counts = range(1, len(rows))
    columns = next((n for n in counts if -(-len(rows) // n) * height <= _TALL * n * width), len(rows))
    per_column = -(-len(rows) // columns)
    canvas = Image.new("RGB", (columns * width, per_column * height + GAP), _PAPER)
    for place, row in enumerate(rows):
        corner = place // per_column * width + GAP, place % per_column * height + GAP
        _draw_row(canvas, row, corner, (side, width - 2 * GAP))
    return canvas


def _draw_row(canvas: Image.Image, row: SheetRow, corner: tuple[int, int], sizes: tuple[int, int]) -> None:
    (left, top), (side, width) = corner, sizes
    draw = ImageDraw.Draw(canvas)
    _write(draw, (left, top), row.title, _TITLE, _INK, width)
    for number, cell in enumerate(row.cells):
        x, y = left + number * (side + GAP), top + _TITLE_HEIGHT
        picture = cell.image.copy()
        picture.thumbnail((side, side))
        canvas.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))
        _write(draw, (x, y + side + 1), cell.caption, _CAPTION, _FAINT, side)


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, size: int, colour: str, width: int) -> None:
    """One line, cut with an ellipsis if it is too long."""
    shown = one_line(text)[:_LONGEST]
    font = _font(shown, size)
    while shown and font.getlength(shown) > width:
        shown = shown.removesuffix("…")[:-1] + "…" if len(shown) > 1 else ""
    draw.text(corner, shown, fill=colour, font=font)


@cache
def _font(text: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_font_file(frozenset(map(ord, text)))), size)


@cache
def _font_file(letters: frozenset[int]) -> Path:
    """The first font with all these letters: matplotlib's own, then the system's; its own if none has them."""
    import matplotlib
    from matplotlib.font_manager import fontManager

    own = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    # Not LastResort, which draws a box for every letter.
    files = [own, *(Path(entry.fname) for entry in fontManager.ttflist if "LastResort" not in entry.fname)]
    return next((file for file in dict.fromkeys(files) if letters <= _letters(file)), own)


@cache
def _letters(file: Path) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(str(file)).get_charmap())
    except (OSError, RuntimeError):  # a missing or broken font has no letters
        return frozenset()
