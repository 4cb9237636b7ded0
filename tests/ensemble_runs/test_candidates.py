import numpy as np
import pytest
from helpers_store import make_outputs, make_result, save_run

from bench.ensemble_runs.candidates import find, stacked
from bench.errors import UserError
from bench.store.result import Cost, Setup
from bench.store.store import Store

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
def test_what_is_no_probability_is_refused_in_one_line_that_names_the_run(store, split, values, said):
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
    assert "on gpu" in elsewhere.why_no_costs()
    save_run(store, run_id("e"), outputs=make_outputs(seed=6, **SIZES), cost=Cost(**COST))
    assert run_id("e") in find(store, None, ()).why_no_costs()
