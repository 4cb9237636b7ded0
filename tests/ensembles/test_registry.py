"""Contract of every registered combiner."""

import numpy as np
import pytest
from ensembles_synthetic import distinct

from ensembles import COMBINERS, cross_fit, macro_f1, make

COSTS = (3.0, 1.0, 4.0, 2.0, 6.0, 5.0)
NAMES = ["top1", "top3", *COMBINERS]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_contract(name):
    probs, labels = distinct(6, 120, 8, imbalance=5, skill=6.0)
    fitted = make(name, costs=COSTS[: len(probs)]).fit(probs, labels)
    combined = fitted.predict_proba(probs)
    assert combined.dtype == np.float32
    assert combined.shape == (120, 8)
    np.testing.assert_allclose(combined.sum(axis=1), 1, atol=1e-5)
    assert fitted.weights.shape == (6,)
    assert fitted.weights.min() >= 0
    assert fitted.weights.sum() == pytest.approx(1)
    assert fitted.models_used == [m for m in range(6) if fitted.weights[m] > 0]


def test_members_without_weight_need_not_be_run(name):
    probs, labels = distinct(6, 120, 8, imbalance=5, skill=6.0)
    fitted = make(name, costs=COSTS[: len(probs)]).fit(probs, labels)
    other = np.full_like(probs, 1 / 8)
    other[fitted.models_used] = probs[fitted.models_used]
    np.testing.assert_array_equal(fitted.predict_proba(other), fitted.predict_proba(probs))


def test_inputs_are_not_changed(name):
    probs, labels = distinct(4, 60, 8, imbalance=5, skill=6.0)
    probs.flags.writeable = labels.flags.writeable = False
    make(name, costs=COSTS[: len(probs)]).fit(probs, labels).predict_proba(probs)


def test_order_of_members_changes_nothing(name):
    probs, labels = distinct(6, 120, 8, imbalance=5, skill=6.0)
    order = np.array([3, 5, 0, 4, 1, 2])
    plain, shuffled = (
        make(name, costs=COSTS[: len(probs)]).fit(probs, labels),
        make(name, costs=[COSTS[m] for m in order]).fit(probs[order], labels),
    )
    np.testing.assert_allclose(shuffled.weights, plain.weights[order], atol=1e-3)
    np.testing.assert_allclose(shuffled.predict_proba(probs[order]), plain.predict_proba(probs), atol=1e-3)


def test_one_member(name):
    probs, labels = distinct(1, 60, 8, imbalance=5, skill=6.0)
    fitted = make(name, costs=COSTS[: len(probs)]).fit(probs, labels)
    assert fitted.models_used == [0]
    assert cross_fit(make(name, costs=COSTS[: len(probs)]), probs, labels, repeats=1).score <= 1


def test_one_image_of_a_class(name):
    probs, labels = distinct(4, 53, 8, imbalance=5, skill=6.0)
    labels = np.where(labels == 7, 6, labels)
    labels[5] = 7
    assert cross_fit(make(name, costs=COSTS[: len(probs)]), probs, labels, repeats=1).predicted.shape == (1, 53)


def test_shuffled_labels_gain_nothing_on_held_out_images(name):
    gains = []
    for seed in range(4):
        probs, labels = distinct(6, 150, 8, imbalance=2, skill=6.0, seed=seed)
        labels = np.random.default_rng(seed).permutation(labels)
        best = max(macro_f1(labels, rows.argmax(1), 8) for rows in probs)
        gains.append(cross_fit(make(name, costs=COSTS), probs, labels, folds=3, repeats=1).score - best)
    assert np.mean(gains) < 0.01


def test_same_result_every_time(name):
    probs, labels = distinct(4, 60, 8, imbalance=5, skill=6.0)
    first, second = (make(name, costs=COSTS[: len(probs)]).fit(probs, labels).predict_proba(probs) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_fitting_on_some_images_is_fitting_on_a_copy_of_them(name):
    probs, labels = distinct(5, 160, 8, imbalance=5, skill=6.0)
    some = np.flatnonzero(np.arange(160) % 5 != 2)
    plain, chosen = (
        make(name, costs=COSTS[: len(probs)]).fit(probs[:, some], labels[some]),
        make(name, costs=COSTS[: len(probs)]),
    )
    chosen._fit(probs, labels, some)
    np.testing.assert_array_equal(chosen.weights, plain.weights)
    np.testing.assert_array_equal(chosen.predict_proba(probs), plain.predict_proba(probs))


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"Unknown combiner 'top0'. Known: topK \(top1, top3, ...\), blend, .*stack"):
        make("top0")
