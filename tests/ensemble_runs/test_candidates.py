import json
import shutil

import numpy as np
import pytest
from helpers_store import combine, make_outputs, make_result, save_run

from bench import api
from bench.ensemble_runs.candidates import find, member_states, predictions, stacked
from bench.ensemble_runs.methods import combiner_of
from bench.ensemble_runs.workbench import Protocol
from bench.errors import UserError
from bench.store.result import Cost, Setup
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
QUICK = Protocol(folds=3, repeats=1)
SIZES = {"val": 60, "test": 20}
COST = {"epochs": 2, "train_seconds_full": 10.0}


def run_id(name):
    return f"{name}-224-frozen-s0-00000000"


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    for number, name in enumerate("cab"):
        save_run(store, run_id(name), outputs=make_outputs(seed=number, **SIZES))
    return store


def with_rows(outputs, split, rows, values):
    """The same outputs with some rows of log-probabilities replaced."""
    array = outputs.log_probs[split].copy()
    array[rows] = values
    return type(outputs)(**{**vars(outputs), "log_probs": {**outputs.log_probs, split: array}})


def test_candidates_are_sorted_and_their_probabilities_stacked(store):
    candidates = find(store, None, ())
    assert candidates.names == tuple(run_id(name) for name in "abc")
    probs = stacked(candidates.runs, "val")
    for row, name in zip(probs, "abc", strict=True):
        np.testing.assert_allclose(row, np.exp(store.get(name).log_probs("val")), rtol=1e-6)
    np.testing.assert_allclose(probs.sum(axis=2), 1, atol=1e-5)


def test_of_twins_the_cheaper_is_taken_and_the_other_named(store):
    outputs, cheap = make_outputs(seed=0, **SIZES), Cost(**COST, inference_ms_per_image=0.5)
    save_run(store, run_id("twin"), outputs=outputs, cost=cheap)
    candidates = find(store, None, ())
    assert candidates.names == tuple(run_id(name) for name in ("a", "b", "twin"))
    (left,) = candidates.left_out
    assert left.run_id == run_id("c")
    assert run_id("twin") in left.reason


def test_three_of_a_kind_leave_one(store):
    for name in ("x", "y"):
        save_run(store, run_id(name), outputs=make_outputs(seed=0, **SIZES))
    candidates = find(store, None, ())
    assert candidates.names == tuple(run_id(name) for name in "abc")
    assert [left.run_id for left in candidates.left_out] == [run_id("x"), run_id("y")]


@pytest.mark.parametrize(
    ("split", "values", "said"),
    [
        ("val", np.nan, "NaN or infinite validation predictions in 2 of 60 rows"),
        ("val", np.inf, "NaN or infinite validation predictions in 2 of 60 rows"),
        ("val", 0.0, r"validation image 'image-val-3' probabilities that sum to 4, not to 1"),
        ("test", np.nan, "NaN or infinite test predictions in 2 of 20 rows"),
        ("val", -5.0, "probabilities that sum to 0.02695, not to 1"),
    ],
)
def test_invalid_probabilities_are_refused_in_one_line_that_names_the_run(store, split, values, said):
    """With NaN in it a run cannot be scored, but a foreign tool may have stored one."""
    outputs = with_rows(make_outputs(seed=9, **SIZES), split, [3, 4], values)
    store.save(make_result(run_id("bad")), outputs)
    with pytest.raises(UserError, match=said) as error:
        stacked(find(store, None, ()).runs, split)
    assert run_id("bad") in str(error.value)
    assert "\n" not in str(error.value)


def test_costs_that_cannot_be_added_up_are_none(store):
    assert find(store, None, ()).inference_ms == [3.0, 3.0, 3.0]
    save_run(store, run_id("d"), outputs=make_outputs(seed=5, **SIZES), setup=Setup(device="gpu", code_revision="0"))
    elsewhere = find(store, None, ())
    assert elsewhere.inference_ms is None
    assert "on gpu" in elsewhere.no_costs_reason()
    save_run(store, run_id("e"), outputs=make_outputs(seed=6, **SIZES), cost=Cost(**COST))
    assert run_id("e") in find(store, None, ()).no_costs_reason()


LARGER = {"val": 90, "test": 40}


def fill(store, classes=4):
    for number, name in enumerate("abcd"):
        outputs = make_outputs(seed=number, skill=1.0 + 0.4 * number, classes=classes, **LARGER)
        cost = Cost(train_seconds_full=10.0, inference_ms_per_image=1.0 + number)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, backbone=name, family=name, cost=cost)
    return store


@pytest.fixture(scope="module")
def skilled(tmp_path_factory):
    return fill(Store(tmp_path_factory.mktemp("store") / "runs"))


@pytest.mark.parametrize("budget", [None, 6.5])
@pytest.mark.parametrize("method", METHODS)
def test_stored_predictions_are_those_of_the_fitted_combiner(skilled, method, budget):
    ensemble = combine(skilled, method, None, (), QUICK, budget)
    candidates = find(skilled, None, ())
    combiner = combiner_of(method, candidates, budget).fit(stacked(candidates.runs, "val"), candidates.labels)
    for split in ("val", "test"):
        expected = combiner.predict_proba(stacked(candidates.runs, split))
        np.testing.assert_allclose(np.exp(ensemble.log_probs(split)), expected, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_they_can_be_made_again_from_the_store_alone(skilled, method):
    ensemble = combine(skilled, method, None, (), QUICK)
    reopened = Store(skilled.root)
    again = predictions(reopened, reopened.get(ensemble.run_id), "test")
    np.testing.assert_allclose(again, np.exp(ensemble.log_probs("test")), rtol=1e-5, atol=1e-7)


def test_a_member_that_vanished_or_changed_is_said_to_have(tmp_path):
    store = fill(Store(tmp_path / "runs"))
    ensemble = combine(store, "mean", None, (), QUICK)
    save_run(store, "b-224-frozen-s0-00000000", outputs=make_outputs(seed=50, **LARGER))
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


def test_an_adjustment_for_class_sizes_is_off_unless_asked_for(skilled):
    plain, adjusted = (
        combine(skilled, method, None, (), QUICK).result.combination for method in ("mean", "mean+prior")
    )
    assert plain.prior_shift is None
    assert len(adjusted.prior_shift) == 4
    assert {member.run_id for member in plain.members} == {member.run_id for member in adjusted.members}


def saw_validation(store, name, seed=9):
    run = save_run(store, run_id(name), outputs=make_outputs(seed=seed, **SIZES))
    metrics = run.result.metrics.model_copy(update={"saw_validation": True})
    return store.update(run.result.model_copy(update={"metrics": metrics}))


def test_a_store_of_runs_that_saw_validation_has_no_candidate(tmp_path):
    store = Store(tmp_path / "runs")
    for number, name in enumerate("ab"):
        saw_validation(store, name, number)
    for method in ("mean", "all"):
        with pytest.raises(UserError, match=r"No candidate in .*: 2 runs were trained on validation images") as error:
            api.ensemble(store.root, method)
        assert "\n" not in str(error.value)


def test_each_run_left_out_is_a_line_or_many_are_one(store):
    for number in range(6):
        saw_validation(store, f"saw{number}", 20 + number)
    lines = find(store, None, ()).notes()
    assert len(lines) == 6
    assert lines[0].startswith(f"{run_id('saw0')} is left out: it was trained on validation images")
    saw_validation(store, "saw6", 30)
    (line,) = find(store, None, ()).notes()
    assert line.startswith(f"7 runs are left out; for example {run_id('saw0')}: it was trained on validation images")


def test_other_seeds_are_no_candidates_and_one_line_says_so(store):
    for number, name in enumerate("ab"):
        outputs = make_outputs(seed=40 + number, **SIZES)
        save_run(store, f"{name}-224-frozen-s1-00000000", outputs=outputs, seed=1)
    candidates = find(store, None, ())
    assert candidates.names == tuple(run_id(name) for name in "abc")
    assert [[run.result.seed for run in runs] for runs in candidates.seeds] == [[0, 1], [0, 1], [0]]
    (line,) = candidates.notes()
    assert line.startswith("2 configurations have several seeds; the run of the lowest is the candidate")
    named = find(store, None, [run_id("a"), "a-224-frozen-s1"])
    assert len(named.runs) == 2
    assert named.notes() == []


@pytest.mark.parametrize("order", ["abz", "zba"])
def test_runs_applied_to_other_test_images_are_left_out_in_any_order_of_storage(tmp_path, order):
    store = Store(tmp_path / "runs")
    for name in order:
        sizes = SIZES | {"test": 21 if name == "z" else 20}
        save_run(store, run_id(name), outputs=make_outputs(seed=ord(name), **sizes))
    found = find(store, None, ())
    assert found.names == (run_id("a"), run_id("b"))
    assert [(left.run_id, left.reason) for left in found.left_out] == [
        (run_id("z"), "it was applied to other test images")
    ]


def test_test_labels_are_those_of_a_candidate_that_has_them(store):
    save_run(store, run_id("0"), outputs=make_outputs(seed=50, answers=False, **SIZES))
    found = find(store, None, ())
    assert found.names[0] == run_id("0")
    assert found.images.test_labels == store.get("a").images.test_labels


@pytest.mark.parametrize("file", ["val.npy", "test.npy", "images.json"])
@pytest.mark.parametrize("damage", ["missing", "changed"])
@pytest.mark.parametrize("members", [(), ("a", "b")])
def test_a_damaged_member_is_one_line_that_names_it(store, file, damage, members):
    path = store.root / run_id("b") / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    if (file, damage, members) == ("val.npy", "missing", ()):
        (line,) = find(Store(store.root), None, ()).notes()
        assert line == f"{run_id('b')} is left out: it was left without its predictions (val.npy)."
        return
    with pytest.raises(UserError) as error:
        api.ensemble(store.root, "mean", members)
    assert run_id("b") in str(error.value)
    assert "Remove" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_without_a_result_is_left_out_and_refused_by_name(store):
    (store.root / run_id("b") / "result.json").unlink()
    (line,) = find(store, None, ()).notes()
    assert line == f"{run_id('b')} is left out: its directory has no result.json; remove it and run it again."
    with pytest.raises(UserError, match=r"has no result.json, so it is no finished run. Remove it and run it again."):
        find(store, None, ["a", run_id("b")])


def test_frozen_random_networks_are_no_candidates_beside_others_and_one_line_says_so(store):
    assert len(find(store, None, ()).names) == 3
    save_run(store, run_id("real"), outputs=make_outputs(seed=7, **SIZES), weights="imagenet")
    tuned = make_outputs(seed=8, recipe="finetune", **SIZES)
    save_run(store, run_id("tuned"), outputs=tuned, recipe="finetune")
    found = find(store, None, ())
    assert found.names == (run_id("real"), run_id("tuned"))
    assert [left.run_id for left in found.left_out] == [run_id(name) for name in "abc"]
    (line,) = found.notes()
    assert line == (
        "Frozen backbones of random weights are no candidates beside other runs: 3 left out. "
        "Name those that you want with --members."
    )
    assert find(store, None, ("a", "real")).names == (run_id("a"), run_id("real"))


def test_a_frozen_random_network_is_a_candidate_beside_nothing_that_could_be_one(store):
    """A run that saw validation images leaves the random ones alone."""
    outputs = make_outputs(seed=7, **SIZES)
    real = make_result(run_id("real"), weights="imagenet")
    metrics = real.metrics.model_copy(update={"saw_validation": True})
    store.save(real.model_copy(update={"metrics": metrics}), outputs)
    assert find(store, None, ()).names == tuple(run_id(name) for name in "abc")


def test_the_last_run_without_predictions_is_not_said_to_have_seen_validation(tmp_path):
    store = Store(tmp_path / "runs")
    save_run(store, run_id("a"), outputs=make_outputs(seed=1, **SIZES))
    (store.root / run_id("a") / "val.npy").unlink()
    with pytest.raises(UserError, match="without its predictions") as error:
        find(store, None, ())
    assert run_id("a") in str(error.value)
    assert "trained on validation" not in str(error.value)


def test_a_store_whose_runs_were_removed_is_one_line(store):
    combine(store, "mean", None, (), Protocol(3, 1))
    for run in list(store.runs()):
        if run.result.kind == "run":
            (store.root / run.run_id / "result.json").unlink()
    with pytest.raises(UserError, match="all runs were removed, ensembles are left"):
        find(Store(store.root), None, ())
