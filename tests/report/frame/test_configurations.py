from __future__ import annotations

import statistics

import pytest
from helpers_report import make_inputs, run_row, runs

from bench.report.frame.configurations import configurations, seeds
from bench.report.frame.ranking import Ranking

SCORES = (0.80, 0.82, 0.90)


@pytest.fixture
def ranking() -> Ranking:
    rows = [run_row("vgg16", 224, run_id=f"r{i}", seed=i, macro_f1=score) for i, score in enumerate(SCORES)]
    return Ranking.of(make_inputs([*rows, run_row("resnet50", 224)]))


def test_seeds_are_averaged(ranking):
    row = configurations(ranking.runs).set_index("label").loc["vgg16@224"]
    mean, sd = statistics.mean(SCORES), statistics.stdev(SCORES)
    assert row["n"] == 3
    assert row["score"] == pytest.approx(mean)
    assert row["sd"] == pytest.approx(sd)
    assert (row["score_low"], row["score_high"]) == pytest.approx((0.690, 0.786))  # of images, as for one seed


def test_one_seed_keeps_its_interval(ranking):
    row = configurations(ranking.runs).set_index("label").loc["resnet50@224"]
    assert (row["n"], row["score_low"], row["score_high"]) == (1, 0.788, 0.871)


def test_table_of_seeds(ranking):
    assert "| vgg16@224     |          .840 | .053 |   3 |" in seeds(ranking)
    assert "resnet50" not in seeds(ranking)


def test_no_table_without_seeds():
    assert seeds(Ranking.of(make_inputs(runs()))) == ""
