from __future__ import annotations

import statistics

import pandas as pd
import pytest
from helpers_report import ensemble_row, rank, run_row, runs

from bench.report.frame.inputs import ReportInput
from bench.report.frame.ranking import Ranking

SCORES = (0.80, 0.82, 0.90)


def test_ensembles_are_ranked_by_their_cross_fitted_score(golden):
    top = Ranking.of(golden).rows.iloc[0]
    assert (top["label"], top["score"], top["macro_f1"]) == ("top3", 0.897, 0.909)
    assert (top["score_low"], top["score_high"]) == (0.861, 0.928)


def test_an_ensemble_costs_the_training_of_all_candidates(golden):
    assert Ranking.of(golden).ensembles["train_seconds"].iloc[0] == pytest.approx(
        sum(row["train_seconds_full"] for row in runs())
    )


def test_runs_that_saw_validation_are_not_ranked():
    cheat = run_row("vgg16", 224, macro_f1=1.0, saw_validation=True)
    ranking = rank([cheat, run_row("vgg16", 512)])
    assert ranking.best["image_px"] == 512
    assert list(ranking.rows["image_px"]) == [512, 224]
    assert len(ranking.runs) == 1


def test_between_equals_the_lower_log_loss_is_first():
    rows = [run_row("vgg16", 224, run_id=name, macro_f1=0.8, log_loss=loss) for name, loss in (("a", 0.9), ("b", 0.5))]
    assert list(rank(rows).rows["run_id"]) == ["b", "a"]


def test_superseded_ensembles_are_apart(golden):
    ranking = Ranking.of(golden)
    assert list(ranking.superseded["run_id"]) == ["ensemble-top3-11111111"]
    assert list(ranking.ensembles["run_id"]) == ["ensemble-top3-0a1b2c3d"]


def test_order_of_the_input_does_not_matter(golden):
    turned = ReportInput(rows=golden.rows.iloc[::-1])
    pd.testing.assert_frame_equal(Ranking.of(golden).rows, Ranking.of(turned).rows)


def test_inputs_are_not_changed(golden):
    before = golden.rows.copy(deep=True)
    Ranking.of(golden)
    pd.testing.assert_frame_equal(golden.rows, before)


def test_best_of_nothing_is_nothing():
    ranking = rank([ensemble_row(runs()[:2], runs())])
    assert ranking.best is None
    assert ranking.usual_device == ""


@pytest.fixture(scope="module")
def seeds() -> Ranking:
    rows = [run_row("vgg16", 224, run_id=f"r{i}", seed=i, macro_f1=score) for i, score in enumerate(SCORES)]
    return rank([*rows, run_row("resnet50", 224)])


def test_seeds_are_averaged(seeds):
    row = seeds.configurations.set_index("label").loc["vgg16@224"]
    assert row["n"] == 3
    assert row["score"] == pytest.approx(statistics.mean(SCORES))
    assert row["sd"] == pytest.approx(statistics.stdev(SCORES))
    assert (row["score_low"], row["score_high"]) == pytest.approx((0.690, 0.786))  # of images, as for one seed


def test_one_seed_keeps_its_interval(seeds):
    row = seeds.configurations.set_index("label").loc["resnet50@224"]
    assert (row["n"], row["score_low"], row["score_high"]) == (1, 0.788, 0.871)


def test_combinations_are_those_of_current_ensembles_best_first():
    rows = [
        ensemble_row(runs()[:2], runs(), run_id=f"ensemble-{name}-00000000", macro_f1_cross_fitted=score)
        for name, score in (("mean", 0.85), ("greedy", 0.9), ("stack", 0.8))
    ]
    kept = {rows[0]["run_id"]: {"greedy": None}, rows[1]["run_id"]: {"greedy": 1}, "ensemble-gone-00000000": {}}
    ranking = rank([*runs(), *rows], combinations=kept)
    assert ranking.combinations == [("greedy", {"greedy": 1}), ("mean", {"greedy": None})]
    assert ranking.combination_with("greedy") == ("greedy", {"greedy": 1})
    assert ranking.combination_with("cascade") is None
