from itertools import pairwise

import numpy as np
import pytest
from ensembles_synthetic import World

from ensembles import Cascade, macro_f1
from ensembles.cascade import _candidates, _Run, _thinned
from ensembles.pooling import staged_pool


def test_run_by_hand():
    # Two members, two classes. Image 0 is sure at once; image 1 is not, and goes on to the second.
    probs = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.2, 0.8], [0.1, 0.9]]], dtype=np.float32)
    run = _Run(probs, (0, 1))
    np.testing.assert_allclose(staged_pool(probs, 0.75), [[0.9, 0.1], [0.35, 0.65]], atol=1e-6)
    assert list(run.reach(0.75)) == [1.0, 0.5]
    np.testing.assert_allclose(staged_pool(probs, 0.0), probs[0])
    assert list(run.reach(0.0)) == [1.0, 0.0]
    np.testing.assert_allclose(staged_pool(probs, 1.0), probs.mean(axis=0))


def test_candidates_are_the_members_that_no_cheaper_one_equals():
    costs = np.array([5.0, 1.0, 2.0, 3.0, 3.0])
    assert _candidates(costs, [0.9, 0.5, 0.4, 0.7, 0.6]) == [1, 3, 0]
    assert _candidates(costs, [0.5, 0.9, 0.4, 0.7, 0.6]) == [1]
    assert _candidates(np.ones(3), [0.5, 0.9, 0.4]) == [1]


def test_thinning_keeps_the_ends():
    assert _thinned(list(range(6))) == [0, 1, 2, 3, 4, 5]
    assert _thinned(list(range(21))) == [0, 4, 8, 12, 16, 20]


def world():
    return World(4, 8, skill=6.0, spread=1.5, imbalance=3)


def test_operation_is_what_running_it_gives():
    probs, labels = world().draw(300, seed=0)
    costs = [1.0, 2.0, 4.0, 8.0]
    fitted = Cascade(costs).fit(probs, labels)
    for operation in fitted.front:
        run = _Run(probs, operation.stages)
        reach = run.reach(operation.threshold)
        combined = staged_pool(probs[list(operation.stages)], operation.threshold)
        assert operation.macro_f1 == macro_f1(labels, combined.argmax(axis=1), 8)
        assert operation.cost == pytest.approx(sum(r * costs[s] for r, s in zip(reach, operation.stages, strict=True)))
        np.testing.assert_array_equal(reach, operation.reach)
        assert all(share > 0 for share in operation.reach)
    assert fitted.mean_cost(probs) == pytest.approx(fitted.operation.cost)
    assert fitted.operation == fitted.front[-1]


def test_front_rises_in_cost_and_score():
    probs, labels = world().draw(300, seed=0)
    front = Cascade([1.0, 2.0, 4.0, 8.0]).fit(probs, labels).front
    assert len(front) > 1
    for cheaper, dearer in pairwise(front):
        assert cheaper.cost < dearer.cost
        assert cheaper.macro_f1 < dearer.macro_f1


def test_max_cost_is_kept_and_the_cheapest_is_the_last_resort():
    probs, labels = world().draw(300, seed=0)
    costs = [1.0, 2.0, 4.0, 8.0]
    assert Cascade(costs, max_cost=2.5).fit(probs, labels).operation.cost <= 2.5
    assert Cascade(costs, max_cost=0.1).fit(probs, labels).operation.cost == 1.0


def test_another_operation_of_the_front_can_be_chosen_after_fitting():
    probs, labels = world().draw(300, seed=0)
    costs = [1.0, 2.0, 4.0, 8.0]
    free, limited = Cascade(costs).fit(probs, labels), Cascade(costs, max_cost=2.5).fit(probs, labels)
    free.choose(2.5)
    assert free.operation == limited.operation
    np.testing.assert_array_equal(free.weights, limited.weights)
    np.testing.assert_array_equal(free.predict_proba(probs), limited.predict_proba(probs))


def test_two_in_a_row_is_nearly_as_good_as_both_and_cheaper():
    both = World(2, 8, skill=7.0, spread=0.2, imbalance=3, seed=1)
    (probs, labels), (fresh, fresh_labels) = both.draw(1000, seed=0), both.draw(4000, seed=1)
    scores = [macro_f1(labels, rows.argmax(axis=1), 8) for rows in probs]
    order = np.argsort(scores)
    fitted = Cascade([1.0, 10.0]).fit(probs[order], labels)
    assert fitted.mean_cost(fresh[order]) < 0.8 * 11
    full = macro_f1(fresh_labels, fresh.mean(axis=0).argmax(axis=1), 8)
    assert macro_f1(fresh_labels, fitted.predict_proba(fresh[order]).argmax(axis=1), 8) > full - 0.01


def test_one_stage_has_no_threshold():
    probs, _ = world().draw(30, seed=0)
    assert _Run(probs, (2,)).thresholds() == [0.0]


def test_costs_of_other_length_are_refused():
    probs, labels = world().draw(50, seed=0)
    with pytest.raises(ValueError, match="costs: expected one for each of 4 members, got 2"):
        Cascade([1.0, 2.0]).fit(probs, labels)
