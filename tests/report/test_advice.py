from __future__ import annotations

import math

import pandas as pd
import pytest

from bench.report.advice import COLUMNS, Advice, with_fronts, write_advice

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
            "family": "net",
            "image_px": math.nan,
            "comparable": [True, True, True, False, True],
        }
    )


def advice(options: pd.DataFrame) -> Advice:
    return Advice("a_set", "no limit", ["Recommended: both."], options, pd.DataFrame(), pd.DataFrame())


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
    assert text.startswith("# What to take for a_set: no limit\n\n- Recommended: both.\n")
    assert "out: too \\| dear" in text
    assert "USD" not in text
    assert "Further members" not in text


def test_dollars_are_a_column_where_there_are_any(options, tmp_path):
    page, *_ = write_advice(advice(options.assign(cost_usd=[0.1, 0.2, 0.3, math.nan, math.nan])), tmp_path)
    assert "  USD | ms/image |" in page.read_text()


def test_without_costs_there_is_no_figure(options, tmp_path):
    write_advice(advice(options), tmp_path)
    bare = options.assign(train_seconds=math.nan, ms_per_image=math.nan)
    assert len(write_advice(advice(bare), tmp_path)) == 2
    assert not (tmp_path / "figures" / "pareto.png").exists()
    assert "pareto.png" not in (tmp_path / "recommendation.md").read_text()
