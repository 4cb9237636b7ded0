"""The formula of a fitted combiner predicts as the combiner does: compared with formulas of their own, in float64."""

import numpy as np
import pytest
from ensembles_synthetic import distinct

from ensembles import PriorAdjusted, Stack, make
from ensembles.affordable import Affordable
from ensembles.formula import Formula

COSTS = [1.0, 2.0, 3.0, 4.0, 5.0]
NAMES = ("top2", "mean", "geometric", "greedy", "blend", "cascade")


def normalised(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def by_definition(combiner, probs):
    """From attributes of the fitted combiner."""
    logs = np.log(probs.astype(np.float64))
    if hasattr(combiner, "exponents"):
        return normalised(np.einsum("m,mnc->nc", combiner.exponents, logs))
    if type(combiner).__name__ == "GeometricMean":
        return normalised(logs.mean(axis=0))
    if hasattr(combiner, "operation"):
        return np.array([by_stage(combiner.operation, probs[:, image]) for image in range(probs.shape[1])])
    return np.einsum("m,mnc->nc", combiner.weights, probs.astype(np.float64))


def by_stage(operation, probs):
    """Of one image, (M, C)."""
    for count in range(1, len(operation.stages) + 1):
        mean = np.mean(probs[list(operation.stages[:count])], axis=0, dtype=np.float64)
        if mean.max() >= operation.threshold:
            return mean
    return mean


def check(fitted, probs, expected):
    used = probs[fitted.models_used]
    for found in (fitted.formula().predict(used), fitted.predict_proba(probs)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
        assert found.dtype == np.float32


@pytest.mark.parametrize("name", NAMES)
def test_every_combiner_by_its_definition(name):
    probs, labels = distinct(5, 120, 6, skill=5.0)
    fitted = make(name, costs=COSTS).fit(probs, labels)
    check(fitted, probs, by_definition(fitted, probs))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_stack_by_scikit_learn(classes):
    """Of two classes scikit-learn keeps the coefficients of one."""
    probs, labels = distinct(4, 90, classes, skill=3.0, imbalance=2)
    fitted = Stack().fit(probs, labels)
    assert fitted.formula().arrays["coefficients"].shape == (1 if classes == 2 else 3, 4 * classes)
    columns = np.log(probs).transpose(1, 0, 2).reshape(90, -1)
    check(fitted, probs, fitted.pipeline.predict_proba(columns))


def test_a_stack_that_knows_not_every_class():
    probs, labels = distinct(2, 60, 5, skill=5.0)
    labels = np.where(labels == 3, 2, labels)
    fitted = Stack().fit(probs, labels)
    columns = np.log(probs).transpose(1, 0, 2).reshape(60, -1)
    expected = np.insert(fitted.pipeline.predict_proba(columns), 3, 0, axis=1)
    check(fitted, probs, expected)


@pytest.mark.parametrize("name", NAMES[:-1])
def test_a_combiner_within_a_budget(name):
    probs, labels = distinct(5, 120, 6, skill=5.0)
    fitted = Affordable(lambda members: make(name), COSTS, 6.5).fit(probs, labels)
    inner, members = fitted.unwrapped()
    assert inner is fitted.fitted
    assert members == fitted.members
    check(fitted, probs, by_definition(inner, probs[members]))


def test_an_adjustment_for_class_sizes_inside_out():
    probs, labels = distinct(5, 120, 6, skill=5.0, imbalance=20)
    within = Affordable(lambda members: make("greedy"), COSTS, 6.5)
    fitted = PriorAdjusted(within).fit(probs, labels)
    inner, members = fitted.unwrapped()
    assert type(inner).__name__ == "Greedy"
    assert members == fitted.fitted.members
    fitted.exponent = 0.6
    sizes = np.bincount(labels, minlength=6) + 1.0
    expected = by_definition(inner, probs[members]) / (sizes / sizes.sum()) ** 0.6
    check(fitted, probs, expected / expected.sum(axis=1, keepdims=True))


def test_a_cascade_by_hand():
    formula = Formula(np.array([0.3, 0.7]), stages=(1, 0), threshold=0.7)
    probs = np.array([[[0.1, 0.9], [0.2, 0.8]], [[0.8, 0.2], [0.6, 0.4]]], dtype=np.float32)
    # The second member, run first, is sure of the first image; of the second image the mean of both is taken.
    np.testing.assert_allclose(formula.predict(probs), [[0.8, 0.2], [0.4, 0.6]], rtol=1e-6)
