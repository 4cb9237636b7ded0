import numpy as np
import pytest
from ensembles_synthetic import World, distinct

from ensembles import Stack, cross_fit, macro_f1
from ensembles.stack import STRENGTHS


def test_learns_what_no_mean_can():
    # The only member takes every class for the next one: its mean scores 0, a regression sees through it.
    world = World(1, 5, skill=5.0, imbalance=2)
    (probs, labels), (fresh, fresh_labels) = world.draw(300, seed=0), world.draw(1000, seed=1)
    fitted = Stack().fit(np.roll(probs, 1, axis=2), labels)
    turned = np.roll(fresh, 1, axis=2)
    assert macro_f1(fresh_labels, turned[0].argmax(axis=1), 5) < 0.2
    assert macro_f1(fresh_labels, fitted.predict_proba(turned).argmax(axis=1), 5) > 0.7


def test_overfits_and_the_cross_fitted_score_says_so():
    probs, labels = distinct(6, 80, 8, skill=3.0, imbalance=2)
    fit_score = macro_f1(labels, Stack().fit(probs, labels).predict_proba(probs).argmax(axis=1), 8)
    assert fit_score > cross_fit(Stack(), probs, labels, repeats=1).score + 0.05


def test_penalty_is_stronger_where_there_is_nothing_to_learn():
    probs, labels = distinct(3, 200, 4, skill=5.0, imbalance=2)
    shuffled = np.random.default_rng(0).permutation(labels)
    assert Stack().fit(probs, shuffled).strength == STRENGTHS[0] < Stack().fit(probs, labels).strength


def test_a_class_without_images_gets_probability_0():
    probs, labels = distinct(2, 60, 5, skill=5.0)
    labels = np.where(labels == 3, 2, labels)
    combined = Stack().fit(probs, labels).predict_proba(probs)
    assert combined.shape == (60, 5)
    assert not combined[:, 3].any()


def test_one_class_alone_is_refused():
    probs, labels = distinct(2, 20, 3)
    with pytest.raises(ValueError, match="at least two classes, got only 1"):
        Stack().fit(probs, np.ones_like(labels))
