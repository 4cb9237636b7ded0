import pytest
from helpers_store import make_outputs, save_run

from bench.ensemble_runs.candidates import find
from bench.ensemble_runs.methods import NotApplicableError, combiner_of, skip_reason, within_budget
from bench.errors import UserError
from bench.store.result import Cost
from bench.store.store import Store
from ensembles.affordable import Affordable
from ensembles.calibration import PriorAdjusted
from ensembles.cascade import Cascade
from ensembles.mean import Mean


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    """Four runs of 1, 2, 3 and 4 ms per image."""
    store = Store(tmp_path_factory.mktemp("store") / "runs")
    for number, name in enumerate("abcd"):
        outputs, cost = make_outputs(seed=number), Cost(inference_ms_per_image=1.0 + number)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, cost=cost)
    return find(store, None, ())


def test_a_budget_and_a_suffix_wrap_the_combiner(candidates):
    assert isinstance(combiner_of("mean", candidates, None), Mean)
    limited = combiner_of("mean", candidates, 2.5)
    assert isinstance(limited, Affordable)
    assert (limited.costs, limited.limit) == ([1.0, 2.0, 3.0, 4.0], 2.5)
    adjusted = combiner_of("mean+prior", candidates, 2.5)
    assert isinstance(adjusted, PriorAdjusted)
    assert isinstance(adjusted.combiner, Affordable)


def test_a_cascade_takes_the_budget_itself_and_no_adjustment(candidates):
    cascade = combiner_of("cascade", candidates, 2.5)
    assert isinstance(cascade, Cascade)
    assert cascade.max_cost == 2.5
    with pytest.raises(NotApplicableError, match="takes no adjustment"):
        combiner_of("cascade+prior", candidates, None)


def test_candidates_within_a_budget(candidates):
    assert within_budget(candidates, None) == [0, 1, 2, 3]
    assert within_budget(candidates, 2.0) == [0, 1]


def test_invalid_input_is_refused(candidates):
    with pytest.raises(UserError, match=r"Unknown combiner 'best'.*, all"):
        combiner_of("best", candidates, None)
    with pytest.raises(NotApplicableError, match="top5 needs 5 configurations of one data set; there are 4"):
        combiner_of("top5", candidates, None)
    with pytest.raises(NotApplicableError, match="the cheapest candidate, a-224-frozen-s0-00000000, takes 1 ms"):
        combiner_of("mean", candidates, 0.5)


def test_a_stack_that_would_take_many_minutes_is_skipped_unless_named(tmp_path):
    store = Store(tmp_path / "runs")
    for number in range(8):
        outputs = make_outputs(seed=number, val=400, test=4, classes=104)
        save_run(store, f"n{number}-224-frozen-s0-00000000", outputs=outputs)
    candidates = find(store, None, ())
    assert "832 columns and 400 images" in skip_reason("stack", candidates)
    assert skip_reason("blend", candidates) is None
    assert combiner_of("stack", candidates, None) is not None
