from __future__ import annotations

import math

import pandas as pd

from bench.report.sections.buying import gain_text, members_table, pixels_table


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "---" not in line]


def test_pixels_and_partner():
    bought = {"gain": 0.0612, "gain_low": 0.02, "gain_high": 0.1, "train_seconds": 40.0, "ms_per_image": 12.5}
    row = {"subject": "vgg16", "px": 224.0, "macro_f1": 0.741, "px_to": 512.0}
    row |= {f"px_{name}": value for name, value in bought.items()}
    header, line = cells(pixels_table(pd.DataFrame([row])))
    assert header == ["run", "F1", "px", "px: gain", "px: + train s", "px: + ms"]
    assert line == ["vgg16@224", ".741", "512", "+.061 [+.020, +.100]", "40", "12"]
    both = row | {"second_to": "resnet50@224"} | {f"second_{name}": value for name, value in bought.items()}
    alone = {"subject": "mine", "px": math.nan, "macro_f1": 0.5, "second_to": "vgg16"}
    rows = cells(pixels_table(pd.DataFrame([both, alone])))
    assert rows[1][6] == "resnet50@224"
    assert rows[2][:4] == ["mine", ".500", "-", "-"]
    assert rows[2][7] == "-"


def test_members():
    rows = pd.DataFrame(
        {
            "members": [1, 2],
            "added": ["a", "b"],
            "macro_f1": [0.8, 0.79],
            "gain": [math.nan, -0.01],
            "gain_low": [math.nan, math.nan],
            "gain_high": [math.nan, math.nan],
            "train_seconds": [10.0, 30.0],
            "ms_per_image": [2.0, 7.0],
            "points_per_train_second": [math.nan, -0.05],
            "points_per_ms": [math.nan, -0.2],
        }
    )
    found = cells(members_table(rows))
    assert found[1] == ["1", "a", ".800", "-", "10", "2.0", "-", "-"]
    assert found[2] == ["2", "b", ".790", "-.010", "30", "7.0", "-0.050", "-0.20"]


def test_a_gain_without_an_interval():
    assert gain_text(0.017, math.nan, math.nan) == "+.017"
