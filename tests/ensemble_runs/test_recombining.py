"""An ensemble's predictions are those of its members and of what is stored of it, whatever the method."""

import json
import shutil

import numpy as np
import pytest
from helpers_store import make_outputs, save_run

from bench.ensemble_runs.candidates import find, stacked
from bench.ensemble_runs.methods import combiner_of
from bench.ensemble_runs.recombining import Formula, member_states, predictions
from bench.ensemble_runs.workbench import Protocol, combine
from bench.errors import UserError
from bench.store.result import Cost
from bench.store.store import Store

METHODS = (
    "top1",
    "top2",
    "mean",
    "geometric",
    "greedy",
    "blend",
    "stack",
    "cascade",
    "top2+prior",
    "greedy+prior",
    "stack+prior",
)
SIZES = {"val": 90, "test": 40}
QUICK = Protocol(folds=3, repeats=1)


def fill(store, classes=4):
    for number, name in enumerate("abcd"):
        outputs = make_outputs(seed=number, skill=1.0 + 0.4 * number, classes=classes, **SIZES)
        cost = Cost(train_seconds_full=10.0, inference_ms_per_image=1.0 + number)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, backbone=name, family=name, cost=cost)
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return fill(Store(tmp_path_factory.mktemp("store") / "runs"))


@pytest.mark.parametrize("budget", [None, 6.5])
@pytest.mark.parametrize("method", METHODS)
def test_stored_predictions_are_those_of_the_fitted_combiner(store, method, budget):
    ensemble = combine(store, method, None, (), QUICK, budget)
    candidates = find(store, None, ())
    combiner = combiner_of(method, candidates, budget).fit(stacked(candidates.runs, "val"), candidates.labels)
    for split in ("val", "test"):
        expected = combiner.predict_proba(stacked(candidates.runs, split))
        np.testing.assert_allclose(np.exp(ensemble.log_probs(split)), expected, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_they_can_be_made_again_from_the_store_alone(store, method):
    ensemble = combine(store, method, None, (), QUICK)
    reopened = Store(store.root)
    again = predictions(reopened, reopened.get(ensemble.run_id), "test")
    np.testing.assert_allclose(again, np.exp(ensemble.log_probs("test")), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_stack_of_few_classes(tmp_path, classes):
    """Of two classes scikit-learn keeps the coefficients of one."""
    store = fill(Store(tmp_path / "runs"), classes)
    candidates = find(store, None, ())
    val = stacked(candidates.runs, "val")
    combiner = combiner_of("stack", candidates, None).fit(val, candidates.labels)
    formula = Formula.of(combiner, candidates.names)
    assert formula.arrays["coefficients"].shape == (1 if classes == 2 else 3, 4 * classes)
    np.testing.assert_allclose(formula.predict(val), combiner.predict_proba(val), rtol=2e-4, atol=1e-6)


def test_a_cascade_by_hand():
    from bench.store.ensemble_result import CascadePoint

    point = CascadePoint(stages=("b", "a"), threshold=0.7, reach=(1.0, 0.5), ms_per_image=1.5, macro_f1=1.0)
    formula = Formula(("a", "b"), (0.3, 0.7), None, point, {})
    probs = np.array([[[0.1, 0.9], [0.2, 0.8]], [[0.8, 0.2], [0.6, 0.4]]], dtype=np.float32)
    # b, run first, is sure of the first image; the second is the mean of b and a.
    np.testing.assert_allclose(formula.predict(probs), [[0.8, 0.2], [0.4, 0.6]], rtol=1e-6)


def test_a_member_that_vanished_or_changed_is_said_to_have(tmp_path):
    store = fill(Store(tmp_path / "runs"))
    ensemble = combine(store, "mean", None, (), QUICK)
    save_run(store, "b-224-frozen-s0-00000000", outputs=make_outputs(seed=50, **SIZES))
    shutil.rmtree(store.root / "c-224-frozen-s0-00000000")
    states = member_states(store, ensemble.result.combination)
    assert list(states.values()) == ["", "was run again since", "is no longer in the store", ""]
    with pytest.raises(UserError, match="cannot be combined again: its member b-224-frozen-s0-00000000 was run again"):
        predictions(store, ensemble, "val")
    with pytest.raises(UserError, match="is a run, not an ensemble"):
        predictions(store, store.get("a-224"), "val")


def test_an_ensemble_stored_before_its_inside_was_kept_still_loads(tmp_path):
    store = fill(Store(tmp_path / "runs"))
    ensemble = combine(store, "mean", None, (), QUICK)
    content = json.loads(ensemble.paths.result.read_text())
    for name in (
        "left_out",
        "exponents",
        "greedy",
        "cascade",
        "diversity",
        "class_changes",
        "calibration",
        "max_cost_ms",
    ):
        del content["combination"][name]
    del content["artefacts"]["arrays.npz"]
    ensemble.paths.result.write_text(json.dumps(content))
    old = Store(store.root).get(ensemble.run_id)
    assert old.arrays == {}
    assert old.result.combination.greedy is None
    np.testing.assert_allclose(predictions(store, old, "val"), np.exp(old.log_probs("val")), rtol=1e-5)


def test_an_adjustment_for_class_sizes_is_off_unless_asked_for(store):
    plain, adjusted = (combine(store, method, None, (), QUICK).result.combination for method in ("mean", "mean+prior"))
    assert plain.prior_shift is None
    assert len(adjusted.prior_shift) == 4
    assert {member.run_id for member in plain.members} == {member.run_id for member in adjusted.members}


def test_a_cascade_takes_no_adjustment(store):
    with pytest.raises(UserError, match="takes no adjustment"):
        combine(store, "cascade+prior", None, (), QUICK)
