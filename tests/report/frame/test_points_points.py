from __future__ import annotations

from helpers_report import ensemble_row, make_inputs, runs

from bench.report.frame.points import COSTS, front_lines, points, with_cost
from bench.report.frame.ranking import Ranking


def on_front(rows: list[dict]) -> list[str]:
    found = with_cost(points(Ranking.of(make_inputs(rows))), COSTS[0])
    return list(found["label"][found["front"]])


def test_front_is_named_cheapest_first():
    expected = ["efficientnetb0@224", "resnet50@224", "densenet121@224", "efficientnetb0@512", "resnet50@512"]
    assert on_front(runs()) == [*expected, "densenet121@512"]


def test_another_device_is_on_no_front_and_displaces_nobody():
    rows = runs()
    rows[6] |= {"device": "gpu", "train_seconds_full": 0.1, "macro_f1": 0.99}
    assert "efficientnetb0@224" not in on_front(rows)
    assert len(on_front(rows)) == 5


def test_rows_without_a_cost_are_left_out():
    rows = [row | {"train_seconds_full": None} for row in runs()]
    assert on_front(rows) == []
    assert "Training in full" not in front_lines(Ranking.of(make_inputs(rows)))
    assert "**Inference**: efficientnetb0@224 (.818, 9.35 ms per image) → " in front_lines(
        Ranking.of(make_inputs(rows))
    )


def test_ensembles_are_points_too():
    assert on_front([*runs(), ensemble_row(runs()[4:6], runs())])[-1] == "top3"
