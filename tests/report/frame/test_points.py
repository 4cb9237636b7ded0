from __future__ import annotations

import numpy as np
import pytest
from helpers_report import ensemble_row, rank, run_row, runs

from bench.report.frame.points import COSTS, front, points, thinned, with_cost


def test_hand_computed_front():
    costs = [10, 20, 20, 30, 40, 50]
    scores = [0.5, 0.4, 0.6, 0.6, 0.9, 0.8]
    # 20/.4 loses to 10/.5 and 20/.6; 30/.6 to 20/.6, which is as good and cheaper; 50/.8 to 40/.9.
    assert front(costs, scores).tolist() == [True, False, True, False, True, False]


def test_equals_are_on_the_front_together():
    assert front([1, 1], [0.5, 0.5]).tolist() == [True, True]


def test_unknown_values_are_not_on_the_front_and_dominate_nothing():
    assert front([np.nan, 2, 1], [0.9, 0.5, np.nan]).tolist() == [False, True, False]


def test_several_costs_by_hand():
    # The second is beaten by the first in both; the third is dear in one, cheap in the other.
    assert front([[1, 2, 3], [2, 2, 1]], [0.5, 0.5, 0.4]).tolist() == [True, False, True]
    assert front([[1, 1], [np.nan, 2]], [0.9, 0.5]).tolist() == [False, True]


def test_of_nothing():
    assert front([], []).tolist() == []


@pytest.mark.parametrize("seed", range(20))
def test_against_brute_force(seed):
    rng = np.random.default_rng(seed)
    costs, scores = rng.integers(0, 8, 30), rng.integers(0, 8, 30)
    rows = list(zip(costs, scores, strict=True))
    expected = [not any(c <= cost and s >= score and (c < cost or s > score) for c, s in rows) for cost, score in rows]
    assert front(costs, scores).tolist() == expected


def on_front(rows: list[dict]) -> list[str]:
    found = with_cost(points(rank(rows)), COSTS[0])
    return list(found["label"][found["front"]])


def test_front_is_named_cheapest_first():
    expected = ["efficientnetb0@224", "resnet50@224", "densenet121@224", "efficientnetb0@512", "resnet50@512"]
    assert on_front(runs()) == [*expected, "densenet121@512"]


def test_another_device_is_on_no_front_and_displaces_no_run():
    rows = runs()
    rows[6] |= {"device": "gpu", "train_seconds_steady": 0.1, "macro_f1": 0.99}
    assert "efficientnetb0@224" not in on_front(rows)
    assert len(on_front(rows)) == 5


def test_rows_without_a_cost_are_left_out():
    rows = [row | {"train_seconds_steady": None, "train_seconds_full": None} for row in runs()]
    assert on_front(rows) == []


def test_ensembles_of_all_candidates_are_points_too():
    row = ensemble_row(runs()[4:6], runs())
    assert on_front([*runs(), row])[-1] == "top3"
    assert on_front([*runs(), row | {"other_candidates": True}])[-1] == "densenet121@512"


def test_start_up_is_on_no_axis():
    """Of two runs as fast in steady seconds, the one that started slowly is as cheap."""
    rows = [
        run_row("vgg16", px, train_seconds_steady=5.0, train_seconds_full=5.0 + px, macro_f1=0.8) for px in (224, 512)
    ]
    assert len(on_front(rows)) == 2


def test_thinned_points_are_spread_evenly_with_both_ends():
    assert thinned(range(11), 6) == [0, 2, 4, 6, 8, 10]
    assert thinned("abc", 6) == ["a", "b", "c"]
