from __future__ import annotations

import math

import pandas as pd
from helpers_report import cells, pair, rank, resolution_pairs, run_row, runs, text_of

from bench.report.sections.costs import fronts, resolution

PICTURES = {"accuracy-versus-cost.png": "![picture]"}


def steps(rows: list[dict], pairs: pd.DataFrame) -> list[list[str]]:
    return cells(text_of(resolution(rank(rows, pairs=pairs))))[1:]


def test_the_front_of_each_known_cost():
    """Nine tenths of 7.41 s are steady."""
    picture, _, lines = fronts(rank(runs()), PICTURES)
    assert picture == "![picture]"
    assert lines.startswith(
        "- **Training, steady** (s): efficientnetb0@224 (.818, 6.67) → resnet50@224 (.833, 14.0) → "
    )
    rows = [row | {"train_seconds_full": None, "train_seconds_steady": None} for row in runs()]
    lines = fronts(rank(rows), PICTURES)[-1]
    assert lines.startswith("- **Inference** (ms per image): efficientnetb0@224 (.818, 9.35) → ")
    assert "Training" not in lines


def test_points_of_another_device_are_explained():
    rows = runs()
    rows[0] |= {"device": "gpu"}
    assert "Hollow points" in fronts(rank(rows), PICTURES)[1]
    assert "Hollow points" not in fronts(rank(runs()), PICTURES)[1]


def test_no_front_without_the_figure():
    assert fronts(rank(runs()), {}) == []


def test_gain_from_pixels_by_hand():
    """Two runs on the same images: an interval as if the images were others would be .13 wide and hold zero."""
    found = steps(runs(), resolution_pairs(runs()))
    assert len(found) == 4
    # .802 - .741; steady seconds are nine tenths of 41.2; (512/224)^2 = 5.22.
    difference = "+.061 [+.036, +.086]"
    assert found[0] == [*("vgg16", "224 → 512", ".741 → .802", difference, "37.1 → 194", "5.2x", "61.4 → 321", "5.2x")]


def test_scores_are_those_of_the_seeds_that_both_sides_have():
    small = [run_row("vgg16", 224, run_id=f"s{seed}", seed=seed, macro_f1=0.7 + seed / 10) for seed in (0, 1)]
    large = run_row("vgg16", 512, macro_f1=0.8)
    rows = steps([*small, large], pd.DataFrame([pair(small[0], large, 0.05, 0.15)]))
    assert rows[0][2:4] == [".700 → .800", "+.100 [+.050, +.150]"]


def test_too_few_images_leave_a_difference_without_an_interval():
    rows = runs()[:2]
    assert steps(rows, pd.DataFrame([pair(*rows, math.nan, math.nan)]))[0][3] == "+.061"


def test_other_pairs_are_no_gain_from_pixels():
    rates = [run_row("vgg16", 224), run_row("vgg16", 224, run_id="b", lr_scale=3.0, recipe="frozen lr x3")]
    assert steps(rates, pd.DataFrame([pair(*rates, -0.1, 0.1)])) == []
    unranked = [row | {"saw_validation": row["image_px"] == 512} for row in runs()]
    assert steps(unranked, resolution_pairs(runs())) == []
    assert steps(runs(), pd.DataFrame()) == []
