import numpy as np
import pandas as pd
import pytest
from helpers_store import combine, make_failure, make_outputs, make_result, save_run, three_runs

from bench.analysis.leaderboard import Leaderboard
from bench.analysis.prices import NO_PRICES, Price, Prices
from bench.analysis.rows import CSV_SCHEMA, failure_row, recipe_label, report_rows
from bench.ensemble_runs.candidates import HELD_OUT
from bench.ensemble_runs.workbench import Protocol
from bench.report.frame.inputs import COLUMNS
from bench.store.result import Cost
from bench.store.store import Store
from ensembles.metrics import accuracy, macro_f1
from ensembles.uncertainty import macro_f1_interval

SIZES = {"val": 200, "test": 30}
TIMES = {"inference_ms_per_image": 3.0, "train_seconds_full": 10.0, "train_seconds_steady": 6.0}


@pytest.fixture
def store(tmp_path):
    return three_runs(tmp_path / "runs", **SIZES)


@pytest.fixture
def failure():
    return make_failure("x", lr_scale=3.0)


def rows(store, failures=(), prices=NO_PRICES):
    """Rows of a store, by name."""
    found = report_rows(Leaderboard(store, list(store.runs())), failures, prices)
    return {row["run_id"]: row for row in found}


def test_every_field_of_a_row_is_a_column(store, failure):
    combine(store, "greedy", None, (), Protocol(3, 1))
    found = rows(store, [failure])
    assert len(found) == 5
    for row in found.values():
        assert set(row) <= set(COLUMNS)
        assert row["csv_schema_version"] == CSV_SCHEMA


@pytest.mark.parametrize(("scale", "label"), [(None, "frozen"), (1.0, "frozen"), (0.5, "frozen lr x0.5")])
def test_a_scaled_rate_is_part_of_the_recipe(scale, label):
    assert recipe_label(make_result("a", lr_scale=scale)) == label


def test_a_failure_keeps_its_kind_beside_that_of_the_row(failure):
    row = failure_row(failure)
    assert (row["kind"], row["status"], row["recipe"]) == ("run", "failed", "frozen lr x3")
    assert (row["failure_kind"], row["failure_reason"]) == ("oom", "no memory")
    assert not {"seconds", "log_tail", "when"} & set(row)


def test_every_score_of_an_ensemble_is_held_out(store):
    """A stack of few images is perfect on those of its fit."""
    made = combine(store, "stack", None, (), Protocol(3, 2))
    row, labels = rows(store)[made.run_id], np.array(made.images.val_labels)
    held_out = made.arrays[HELD_OUT]
    assert row["macro_f1"] == row["macro_f1_cross_fitted"]
    assert row["macro_f1"] == pytest.approx(np.mean([macro_f1(labels, one, 4) for one in held_out]))
    assert row["accuracy"] == pytest.approx(np.mean([accuracy(labels, one) for one in held_out]))
    fitted = made.log_probs("val").argmax(axis=1)
    assert row["macro_f1_in_sample"] == pytest.approx(macro_f1(labels, fitted, 4))
    assert row["accuracy_in_sample"] == pytest.approx(accuracy(labels, fitted))
    assert row["macro_f1_in_sample"] > row["macro_f1"]
    assert row["log_loss_in_sample"] < row["log_loss"]


def test_training_again_costs_the_members_and_finding_costs_all_candidates(tmp_path):
    """10 s of each candidate, 6 of them steady, at 3.6 dollars an hour: the steady seconds of a run are .6 cents."""
    store = Store(tmp_path / "runs")
    for number, name in enumerate("abc"):
        outputs = make_outputs(seed=number, skill=3.0 - number, **SIZES)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, cost=Cost(**TIMES))
    made = combine(store, "top2", None, (), Protocol(3, 1))
    prices = Prices(price=(Price(device="cpu", usd_per_hour=3.6, source="test", date="2026-01-01"),))
    found = rows(store, prices=prices)
    single, ensemble = found["a-224-frozen-s0-00000000"], found[made.run_id]
    assert (single["start_up_seconds"], single["cost_usd"]) == (4.0, pytest.approx(0.006))
    assert ensemble["train_seconds_steady"] == ensemble["members_train_seconds"] == 12.0
    assert ensemble["candidates_train_seconds"] == 18.0
    assert ensemble["cost_usd"] == pytest.approx(0.012)


def test_costs_of_a_removed_member_are_unknown(store):
    made = combine(store, "mean", None, (), Protocol(3, 1))
    (store.root / "vgg16-224-frozen-s0-00000000" / "result.json").unlink()
    row = rows(Store(store.root))[made.run_id]
    assert row["members_train_seconds"] is row["candidates_train_seconds"] is row["cost_usd"] is None


def test_differences_are_those_of_the_configurations_and_signed_from_the_best(store):
    found = [row for row in rows(store).values() if row["kind"] == "run"]
    best, *others = sorted(found, key=lambda row: -row["macro_f1"])
    assert "difference_to_best" not in best
    for row in others:
        assert row["difference_to_best"] == pytest.approx(row["macro_f1"] - best["macro_f1"])
        assert row["difference_to_best_low"] <= row["difference_to_best"] <= row["difference_to_best_high"]
        assert row["comparisons_with_best"] == 2
        assert row["indistinguishable_from_best"] == (row["difference_to_best_high"] >= 0)


def test_ensembles_of_other_candidates_are_marked(store):
    some = combine(store, "mean", None, ("vgg16", "resnet50"), Protocol(3, 1))
    everyone = combine(store, "mean", None, (), Protocol(3, 1))
    found = rows(store)
    assert [found[run.run_id]["other_candidates"] for run in (some, everyone)] == [True, False]
    assert [found[run.run_id]["superseded"] for run in (some, everyone)] == [False, False]


def test_runs_of_other_images_are_marked_and_out_of_every_comparison(store):
    other = make_outputs(seed=9, skill=9.0, ids="other", **SIZES)
    save_run(store, "other-224-frozen-s0-00000000", outputs=other, image_px=224)
    row = rows(store)["other-224-frozen-s0-00000000"]
    assert row["not_compared"] == "scored on other validation images, labels or classes"
    assert row["indistinguishable_from_best"] is None
    assert rows(store)["vgg16-224-frozen-s0-00000000"]["indistinguishable_from_best"] is True


def test_what_was_found_is_in_the_row(store):
    row = rows(store)["vgg16-224-frozen-s0-00000000"]
    assert row["versions"] == "python 3"
    assert len(row["configuration"]) == len(row["recipe_digest"]) == 12
    assert row["data_fingerprint"] == "f" * 64
    assert pd.isna(row["kernels"])


def test_seeds_have_the_interval_of_their_mean(tmp_path):
    """A mean over seeds varies less than a seed: the mean of their bounds would be too wide."""
    store = Store(tmp_path / "runs")
    for seed in range(4):
        save_run(store, f"a-224-frozen-s{seed}-00000000", outputs=make_outputs(seed=seed, **SIZES), seed=seed)
    save_run(store, "b-224-frozen-s0-00000000", outputs=make_outputs(seed=9, **SIZES))
    found = rows(store)
    seeds = [found[f"a-224-frozen-s{seed}-00000000"] for seed in range(4)]
    assert seeds[0]["mean_macro_f1"] == pytest.approx(np.mean([row["macro_f1"] for row in seeds]))
    bounds = {(row["mean_macro_f1_low"], row["mean_macro_f1_high"]) for row in seeds}
    predicted = np.stack([store.get(row["run_id"]).log_probs("val").argmax(axis=1) for row in seeds])
    exact = macro_f1_interval(np.array(store.get(seeds[0]["run_id"]).images.val_labels), predicted, 4)
    ((low, high),) = bounds
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=0.01)
    assert high - low < np.mean([row["macro_f1_high"] - row["macro_f1_low"] for row in seeds])
    assert "mean_macro_f1" not in found["b-224-frozen-s0-00000000"]


def test_random_runs_beside_others_have_ties_and_differences_of_their_own(store):
    assert not any(row["random_floor"] for row in rows(store).values())
    save_run(store, "real-224-frozen-s0-00000000", outputs=make_outputs(seed=5, **SIZES), weights="imagenet")
    found = rows(store)
    random = [row for row in found.values() if row["random_floor"]]
    assert len(random) == 3
    best = max(row["macro_f1"] for row in random)
    assert [row.get("difference_to_best", 0.0) for row in random] == [
        pytest.approx(row["macro_f1"] - best) for row in random
    ]
    assert "difference_to_best" not in found["real-224-frozen-s0-00000000"]
    assert found["real-224-frozen-s0-00000000"]["indistinguishable_from_best"] is True
