from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.data.sheets import Cell, SheetRow, sheet

RED = Image.new("RGB", (50, 50), (255, 0, 0))


def rows(count: int, cells: int = 2) -> list[SheetRow]:
    return [SheetRow(f"row {number}", [Cell(RED, "caption")] * cells) for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 7, 104])
def test_every_picture_is_there_and_the_sheet_is_no_ribbon(count):
    found = np.asarray(sheet(rows(count), 20))
    assert (found == (255, 0, 0)).all(axis=2).sum() == count * 2 * 20 * 20
    assert count < 10 or found.shape[0] <= 1.5 * found.shape[1]


@pytest.mark.parametrize("title", ["", "x" * 500, "百合", "a\nb", "ق Ж \U0001f33b"])
def test_titles_of_any_kind(title):
    plain, titled = (np.asarray(sheet([SheetRow(text, [Cell(RED)])], 40)) for text in ("", title))
    assert titled.shape == plain.shape
    assert (titled == plain).all() == (title == "")


def test_tall_and_wide_pictures_are_fitted():
    found = np.asarray(sheet([SheetRow("", [Cell(Image.new("RGB", (10, 100), (255, 0, 0)))])], 50))
    assert (found == (255, 0, 0)).all(axis=2).sum() == 5 * 50
