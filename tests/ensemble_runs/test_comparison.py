import numpy as np
import pytest
from helpers_store import make_outputs, save_run

from bench.ensemble_runs.candidates import find
from bench.ensemble_runs.comparison import BASELINE_LABEL, compare, conclusion
from bench.ensemble_runs.methods import ALL, NotApplicableError
from bench.ensemble_runs.workbench import Protocol, Workbench
from bench.store.result import Cost
from bench.store.store import Store

SIZES = {"val": 150, "test": 30}
QUICK = Protocol(folds=3, repeats=2)


def fill(store, count, skills=None):
    for number in range(count):
        skill = 1.0 + 0.2 * number if skills is None else skills[number]
        cost = Cost(train_seconds_full=10.0, inference_ms_per_image=1.0 + number)
        name = f"n{number}"
        outputs = make_outputs(seed=number, skill=skill, **SIZES)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, backbone=name, family=name, cost=cost)
    return store


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    store = fill(Store(tmp_path_factory.mktemp("store") / "runs"), 6)
    lines = []
    return store, compare(Workbench(store, find(store, None, ()), QUICK, None), lines.append), lines


def test_every_method_is_made_and_stored(compared):
    store, comparison, lines = compared
    assert {run.result.combination.method for run in comparison.ensembles} == set(ALL)
    assert {run.run_id for run in comparison.ensembles} <= set(store.run_ids())
    assert comparison.skipped == {}
    assert [line.split(":")[0] for line in lines] == list(ALL)


def test_rows_are_sorted_by_cross_fitted_score_with_the_best_single_run_among_them(compared):
    _, comparison, _ = compared
    rows = comparison.rows()
    scores = [row["cross_fitted"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    (single,) = (row for row in rows if row["method"] == BASELINE_LABEL)
    assert {run.result.combination.best_single_cross_fitted for run in comparison.ensembles} == {single["cross_fitted"]}
    assert len(rows) == len(ALL) + 1


def test_it_says_which_differences_are_noise(tmp_path):
    """Six runs of the same skill: the two means of all of them cannot be told apart."""
    store = fill(Store(tmp_path / "runs"), 6, skills=[1.5] * 6)
    comparison = compare(Workbench(store, find(store, None, ()), QUICK, None), lambda line: None)
    tied = {run.result.combination.method for run in comparison.ensembles if run.run_id in comparison.tied}
    assert comparison.ensembles[0].run_id in comparison.tied
    assert {"mean", "geometric"} <= tied
    (single,) = (row for row in comparison.rows() if row["method"] == BASELINE_LABEL)
    assert not single["tied_with_first"]  # six means of noise beat one run by far
    assert "within the noise of it: " in conclusion(comparison.rows())


def test_again_it_makes_nothing_and_says_the_same(compared):
    store, comparison, _ = compared
    before = {run.run_id: run.result.finished for run in comparison.ensembles}
    reopened = Store(store.root)
    workbench = Workbench(reopened, find(reopened, None, ()), QUICK, None)
    again = compare(workbench, lambda line: None)
    assert again.rows() == comparison.rows()
    assert {run.run_id: run.result.finished for run in again.ensembles} == before
    assert "val" not in vars(workbench)  # not a probability was read


def test_methods_that_do_not_apply_are_skipped_with_their_reason(tmp_path):
    store = fill(Store(tmp_path / "runs"), 3)
    save_run(
        store, "z-224-frozen-s0-00000000", outputs=make_outputs(seed=9, **SIZES), cost=Cost(train_seconds_full=1.0)
    )
    comparison = compare(Workbench(store, find(store, None, ()), QUICK, None), lambda line: None)
    assert set(comparison.skipped) == {"top5", "cascade"}
    assert "top5 needs 5 configurations" in comparison.skipped["top5"]
    assert "milliseconds per image of z-224-frozen-s0-00000000 are not known" in comparison.skipped["cascade"]


@pytest.mark.parametrize("method", ["top2", "mean", "geometric", "greedy", "blend", "stack", "cascade"])
def test_a_budget_is_kept_by_every_method(tmp_path, method):
    store = fill(Store(tmp_path / "runs"), 5)
    workbench = Workbench(store, find(store, None, ()), QUICK, 5.5)
    ensemble = workbench.ensemble(method)
    combination = ensemble.result.combination
    assert ensemble.result.cost.inference_ms_per_image <= 5.5
    assert combination.max_cost_ms == 5.5
    assert ensemble.run_id.startswith(f"ensemble-{method}-5.5ms-")
    assert ensemble.run_id != Workbench(store, find(store, None, ()), QUICK, None).ensemble(method).run_id


def test_the_best_single_run_is_held_to_the_budget_too(tmp_path):
    store = fill(Store(tmp_path / "runs"), 5)
    workbench = Workbench(store, find(store, None, ()), QUICK, 2.5)
    assert workbench.best_single.result.cost.inference_ms_per_image <= 2.5
    combination = workbench.ensemble("cascade").result.combination
    assert combination.best_single == workbench.best_single.run_id
    with pytest.raises(NotApplicableError, match="the cheapest candidate, n0-224-frozen-s0-00000000, takes 1 ms"):
        Workbench(store, find(store, None, ()), QUICK, 0.5).ensemble("mean")


def test_shuffled_labels_give_no_gain_on_held_out_images(tmp_path):
    """Greedy fitted to noise looks better than the best single run where it was fitted, and nowhere else."""
    store = fill(Store(tmp_path / "runs"), 6, skills=[0.0] * 6)
    combination = Workbench(store, find(store, None, ()), Protocol(), None).ensemble("greedy").result.combination
    singles = [run.result.metrics.macro_f1 for run in store.runs() if run.result.kind == "run"]
    assert combination.fit_score > max(singles)
    assert combination.cross_fitted < combination.fit_score - 0.03
    assert combination.gain_low < 0 < combination.gain_high or np.isclose(combination.gain, 0, atol=0.05)
