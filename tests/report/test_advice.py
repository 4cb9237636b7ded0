from __future__ import annotations

import math

import pandas as pd
import pytest
from helpers_report import cells

from bench.report.advice import COLUMNS, Advice, members_table, pixels_table, with_fronts, write_advice

NAMES = ("cheap", "good", "both", "other device", "unknown")


@pytest.fixture
def options() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "option": NAMES,
            "kind": ["single", "single", "ensemble", "single", "cascade"],
            "run_ids": NAMES,
            "members": "",
            "macro_f1": [0.6, 0.8, 0.9, 0.99, 0.7],
            "macro_f1_low": [0.5, 0.7, 0.85, 0.9, math.nan],
            "macro_f1_high": [0.7, 0.9, 0.95, 1.0, math.nan],
            "train_seconds": [10.0, 50.0, 60.0, 1.0, math.nan],
            "train_device_hours": [0.1, 0.5, 0.6, 0.01, math.nan],
            "cost_usd": math.nan,
            "ms_per_image": [5.0, 4.0, 9.0, 0.1, 2.0],
            "device": ["cpu", "cpu", "cpu", "gpu", "cpu"],
            "outcome": ["out", "tied", "recommended", "out", "worse"],
            "reason": ["too | dear", "", "", "", ""],
            "search_seconds": 500.0,
            "search_usd": math.nan,
            "family": "net",
            "image_px": math.nan,
            "comparable": [True, True, True, False, True],
        }
    )


def advice(options: pd.DataFrame) -> Advice:
    return Advice("a_set", "no limit", ["Take both."], options, pd.DataFrame(), pd.DataFrame())


def test_fronts_by_hand(options):
    """By training cheap < good < both; by inference unknown < good < both: good is faster than cheap, and better."""
    found = with_fronts(options).set_index("option")
    assert found["on_front_training"].to_dict() == dict(zip(NAMES, [True, True, True, False, False], strict=True))
    assert found["on_front_inference"].to_dict() == dict(zip(NAMES, [False, True, True, False, True], strict=True))
    assert found["on_front"].to_dict() == dict(zip(NAMES, [True, True, True, False, False], strict=True))


def test_table_page_and_figure(options, tmp_path):
    page, csv, figure = write_advice(advice(options), tmp_path)
    rows = pd.read_csv(csv)
    assert list(rows.columns) == list(COLUMNS)
    assert rows["option"].tolist() == list(NAMES)
    assert figure.read_bytes().startswith(b"\x89PNG")
    text = page.read_text()
    assert text.startswith("# Recommendation for a_set: no limit\n\n- Take both.\n")
    assert "out: too \\| dear" in text
    assert "USD" not in text
    assert "Further members" not in text


def test_dollars_are_a_column_where_there_are_any(options, tmp_path):
    page, *_ = write_advice(advice(options.assign(cost_usd=[0.1, 0.2, 0.3, math.nan, math.nan])), tmp_path)
    assert " USD | ms/image |" in page.read_text()


def test_small_costs_are_not_rounded_to_nothing(options, tmp_path):
    page, *_ = write_advice(advice(options.assign(train_device_hours=1 / 3600, cost_usd=0.00025)), tmp_path)
    rows = cells(page.read_text().split("## All options")[1].split("Single runs")[0].strip())
    assert rows[0][4:6] == ["device-hours", "USD"]
    assert {tuple(row[4:6]) for row in rows[1:]} == {("0.000278", "0.000250")}


def test_without_costs_there_is_no_figure(options, tmp_path):
    write_advice(advice(options), tmp_path)
    bare = options.assign(train_seconds=math.nan, ms_per_image=math.nan)
    assert len(write_advice(advice(bare), tmp_path)) == 2
    assert not (tmp_path / "figures" / "pareto.png").exists()
    assert "pareto.png" not in (tmp_path / "recommendation.md").read_text()


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
