import numpy as np
import pytest
from ensembles_synthetic import World, distinct

from ensembles import (
    Mean,
    PriorAdjusted,
    brier,
    cross_fit,
    cross_fitted_temperature,
    fit_temperature,
    log_loss,
    macro_f1,
    reliability,
    with_temperature,
)
from ensembles.pooling import log_of


def calibrated(n_images, n_classes=5, seed=0):
    """Probabilities, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(n_classes, 0.4), n_images)
    labels = (probs.cumsum(axis=1) < rng.random((n_images, 1))).sum(axis=1).clip(0, n_classes - 1)
    return probs.astype(np.float32), labels


def test_brier_by_definition():
    probs, labels = calibrated(100)
    assert brier(labels, probs) == pytest.approx(np.mean(np.sum((probs - np.eye(5)[labels]) ** 2, axis=1)), rel=1e-5)


def test_reliability_by_hand():
    probs = np.array([[0.95, 0.05], [0.92, 0.08], [0.4, 0.6], [0.0, 1.0]], dtype=np.float32)
    points = reliability(np.array([0, 1, 1, 1]), probs, bins=10)
    np.testing.assert_allclose(points.confidence, [0.6, (0.95 + 0.92 + 1) / 3], atol=1e-6)
    np.testing.assert_allclose(points.accuracy, [1, 2 / 3])
    assert list(points.images) == [1, 3]
    expected = (0.4 * 1 + abs((0.95 + 0.92 + 1) / 3 - 2 / 3) * 3) / 4
    assert points.expected_calibration_error == pytest.approx(expected, abs=1e-6)


def test_calibrated_probabilities_have_no_calibration_error_and_temperature_1():
    probs, labels = calibrated(40_000)
    assert reliability(labels, probs).expected_calibration_error < 0.01
    assert fit_temperature(labels, probs) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("distortion", [0.5, 3.0])
def test_temperature_is_recovered_and_changes_no_prediction(distortion):
    probs, labels = calibrated(10_000)
    distorted = with_temperature(probs, distortion)
    temperature = fit_temperature(labels, distorted)
    assert temperature == pytest.approx(1 / distortion, rel=0.05)
    mended = with_temperature(distorted, temperature)
    np.testing.assert_array_equal(mended.argmax(axis=1), distorted.argmax(axis=1))
    assert brier(labels, mended) < brier(labels, distorted)


def test_cross_fitted_temperature_helps_on_images_it_was_not_fitted_on():
    probs, labels = calibrated(2000)
    sharp = with_temperature(probs, 0.4)
    mended = cross_fitted_temperature(labels, sharp)
    assert mended.dtype == np.float32
    assert log_loss(labels, log_of(mended)) < log_loss(labels, log_of(sharp))
    best_in_hindsight = with_temperature(sharp, fit_temperature(labels, sharp))
    assert log_loss(labels, log_of(mended)) >= log_loss(labels, log_of(best_in_hindsight))


def test_prior_adjustment_mends_members_that_forget_rare_classes():
    world = World(3, 8, skill=6.0, imbalance=20)
    (probs, labels), (fresh, fresh_labels) = world.draw(1500, seed=0), world.draw(6000, seed=1)
    sizes = np.bincount(labels, minlength=8).astype(np.float32)
    biased, fresh_biased = (p * sizes / (p * sizes).sum(axis=2, keepdims=True) for p in (probs, fresh))
    fitted = PriorAdjusted(Mean()).fit(biased, labels)
    assert fitted.exponent > 0.2
    plain = macro_f1(fresh_labels, fresh_biased.mean(axis=0).argmax(axis=1), 8)
    assert macro_f1(fresh_labels, fitted.predict_proba(fresh_biased).argmax(axis=1), 8) > plain + 0.01


def test_prior_adjustment_is_a_combiner_that_leaves_the_inner_one_alone():
    probs, labels = distinct(3, 100, 4, skill=5.0)
    inner = Mean()
    fitted = PriorAdjusted(inner).fit(probs, labels)
    assert not hasattr(inner, "weights")
    assert fitted.models_used == [0, 1, 2]
    np.testing.assert_allclose(fitted.predict_proba(probs).sum(axis=1), 1, atol=1e-5)
    assert cross_fit(PriorAdjusted(Mean()), probs, labels, repeats=1).score > 0.3
