import numpy as np
import pytest
from helpers_recommend import probabilities

from bench.analysis.recommend import cascades
from bench.analysis.recommend.cascades import cross_fitted
from ensembles.cascade import Cascade
from ensembles.crossfit import stratified_folds
from ensembles.metrics import macro_f1

COSTS = (1.0, 4.0, 16.0)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = rng.integers(5, size=300)
    return np.stack([probabilities(rng, labels, 5, skill) for skill in (1.0, 2.0, 3.0)]), labels


def test_every_prediction_is_one_of_a_cascade_that_had_not_seen_the_image(data):
    """Made again by hand: each fold fitted by itself, for each budget."""
    probs, labels = data
    found = cross_fitted(probs, labels, COSTS)
    rng = np.random.default_rng(cascades.SEED)
    for repeat in range(cascades.REPEATS):
        fold = stratified_folds(labels, cascades.FOLDS, rng)
        for k in range(cascades.FOLDS):
            for one in found[:: len(found) - 1]:
                alone = Cascade(COSTS, one.operation.cost).fit(probs[:, fold != k], labels[fold != k])
                expected = alone.predict_proba(probs[:, fold == k]).argmax(1)
                np.testing.assert_array_equal(one.predicted[repeat, fold == k], expected)


def test_milliseconds_are_those_used_on_held_out_images(data):
    probs, labels = data
    for one in cross_fitted(probs, labels, COSTS):
        assert one.ms_per_image == pytest.approx(one.operation.cost, rel=0.15)
        assert min(COSTS) <= one.ms_per_image <= sum(COSTS)
        assert len(one.operation.stages) > 1


def test_random_labels_bring_no_gain(data):
    probs, labels = data
    shuffled = np.random.default_rng(1).permutation(labels)
    scores = [macro_f1(shuffled, row, 5) for one in cross_fitted(probs, shuffled, COSTS) for row in one.predicted]
    assert np.mean(scores) == pytest.approx(0.2, abs=0.04)


def test_at_most_so_many_budgets_from_cheap_to_dear(data):
    found = cross_fitted(*data, COSTS)
    costs = [one.operation.cost for one in found]
    assert 2 <= len(found) <= cascades.MOST
    assert costs == sorted(costs)


def test_a_cheapest_member_that_is_the_best_needs_no_cascade(data):
    probs, labels = data
    assert cross_fitted(probs[::-1], labels, COSTS) == []
