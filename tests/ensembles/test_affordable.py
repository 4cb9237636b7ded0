import numpy as np
import pytest

from ensembles.affordable import Affordable
from ensembles.crossfit import cross_fit
from ensembles.greedy import Greedy
from ensembles.mean import Mean, TopK
from ensembles.metrics import macro_f1


@pytest.fixture
def stack():
    """Six members of rising skill, the last two nearly perfect."""
    rng = np.random.default_rng(1)
    labels = np.concatenate([np.arange(3), rng.integers(3, size=87)])
    logits = rng.normal(size=(6, 90, 3))
    logits[:, np.arange(90), labels] += np.array([0.5, 0.8, 1.1, 1.4, 4.0, 4.2])[:, None]
    probs = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    return probs.astype(np.float32), labels


def test_the_members_used_never_cost_more_than_the_limit(stack):
    probs, labels = stack
    costs = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    for make in (lambda members: Mean(), lambda members: TopK(3), lambda members: Greedy()):
        for limit in (1.0, 2.5, 5.0, 7.3, 21.0):
            combiner = Affordable(make, costs, limit).fit(probs, labels)
            assert sum(costs[member] for member in combiner.models_used) <= limit
            assert combiner.weights.sum() == pytest.approx(1)


def test_without_a_binding_limit_it_is_the_combiner_itself(stack):
    probs, labels = stack
    free, plain = Affordable(lambda members: TopK(2), [1.0] * 6, 100.0).fit(probs, labels), TopK(2).fit(probs, labels)
    np.testing.assert_array_equal(free.weights, plain.weights)
    np.testing.assert_array_equal(free.predict_proba(probs), plain.predict_proba(probs))


def test_of_one_dear_member_and_several_cheap_ones_the_better_is_taken(stack):
    """Within 6, the last member alone; once it costs 7, as many of the cheap ones as fit."""
    probs, labels = stack
    dear = Affordable(lambda members: Mean(), [2.0, 2.0, 2.0, 2.0, 7.0, 6.0], 6.0).fit(probs, labels)
    assert dear.models_used == [5]
    cheap = Affordable(lambda members: Mean(), [2.0, 2.0, 2.0, 2.0, 7.0, 7.0], 6.0).fit(probs, labels)
    assert len(cheap.models_used) == 3
    single = max(macro_f1(labels, rows.argmax(axis=1), 3) for rows in probs[:4])
    assert macro_f1(labels, cheap.predict_proba(probs).argmax(axis=1), 3) >= single - 0.1


def test_the_choice_is_part_of_cross_fitting(stack):
    """With shuffled labels nothing is gained on images held out, whatever is gained where it was fitted."""
    probs, labels = stack
    shuffled = np.random.default_rng(0).permutation(labels)
    combiner = Affordable(lambda members: Greedy(), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0], 4.0)
    fitted = combiner.fit(probs, shuffled).predict_proba(probs).argmax(axis=1)
    assert macro_f1(shuffled, fitted, 3) > cross_fit(combiner, probs, shuffled).score


def test_what_cannot_be_afforded_or_does_not_fit(stack):
    probs, labels = stack
    with pytest.raises(ValueError, match="expected at least the cost of the cheapest member, 2"):
        Affordable(lambda members: Mean(), [2.0] * 6, 1.0)
    with pytest.raises(ValueError, match="one for each of 6 members, got 2"):
        Affordable(lambda members: Mean(), [1.0, 2.0], 3.0).fit(probs, labels)
