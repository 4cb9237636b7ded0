from __future__ import annotations

import math

import pandas as pd
import pytest
from helpers_report import ensemble_row, make_inputs, run_row, runs

from bench.report.frame.inputs import BOOLEANS, COLUMNS, INTEGERS, TEXTS, ReportInput, typed
from bench.report.frame.ranking import Ranking


def test_ensembles_are_ranked_by_their_cross_fitted_score(golden):
    top = Ranking.of(golden).rows.iloc[0]
    assert (top["label"], top["score"], top["macro_f1"]) == ("top3", 0.897, 0.909)
    assert (top["score_low"], top["score_high"]) == (0.861, 0.928)


def test_an_ensemble_costs_what_all_candidates_cost(golden):
    assert Ranking.of(golden).ensembles["train_seconds"].iloc[0] == pytest.approx(
        sum(row["train_seconds_full"] for row in runs())
    )


def test_runs_that_saw_validation_are_not_ranked():
    cheat = run_row("vgg16", 224, macro_f1=1.0, saw_validation=True)
    ranking = Ranking.of(make_inputs([cheat, run_row("vgg16", 512)]))
    assert ranking.best["image_px"] == 512
    assert list(ranking.rows["image_px"]) == [512, 224]
    assert len(ranking.runs) == 1


def test_between_equals_the_lower_log_loss_is_first():
    rows = [run_row("vgg16", 224, run_id=name, macro_f1=0.8, log_loss=loss) for name, loss in (("a", 0.9), ("b", 0.5))]
    assert list(Ranking.of(make_inputs(rows)).rows["run_id"]) == ["b", "a"]


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
    ranking = Ranking.of(make_inputs([ensemble_row(runs()[:2], runs())]))
    assert ranking.best is None
    assert ranking.usual_device == ""


def test_every_column_has_one_type():
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert set(COLUMNS) >= INTEGERS | BOOLEANS | TEXTS
    assert len(INTEGERS | BOOLEANS | TEXTS) == len(INTEGERS) + len(BOOLEANS) + len(TEXTS)


def test_typed_fills_what_is_absent_and_refuses_what_is_unknown():
    rows = typed(pd.DataFrame([{"run_id": "a", "seed": 3.0, "macro_f1": None, "superseded": None}]))
    assert tuple(rows.columns) == COLUMNS
    assert rows["seed"].iloc[0] == 3
    assert str(rows["seed"].dtype) == "Int64"
    assert math.isnan(rows["macro_f1"].iloc[0])
    with pytest.raises(ValueError, match="macro_f2"):
        typed(pd.DataFrame([{"macro_f2": 1.0}]))
