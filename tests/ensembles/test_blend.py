import numpy as np
import pytest
from ensembles_synthetic import World, distinct
from scipy.optimize import check_grad, minimize
from scipy.special import log_softmax

from ensembles import Blend, fit_temperature, log_loss, macro_f1, with_temperature
from ensembles.blend import PULL, _LogLoss
from ensembles.pooling import log_of


def penalised_loss(exponents, probs, labels):
    """By the definition, in float64."""
    logits = np.einsum("m,mnc->nc", exponents, np.log(probs.astype(np.float64)))
    away = exponents - 1 / len(exponents)
    return log_loss(labels, log_softmax(logits, axis=1)) + PULL * away @ away / (2 * len(labels))


@pytest.mark.parametrize(
    ("shape", "traits"),
    [((6, 150, 8), {"skill": 6.0}), ((12, 53, 8), {"skill": 6.0}), ((4, 700, 20), {"skill": 8.0}), ((3, 60, 2), {})],
)
def test_exponents_are_those_of_l_bfgs_b(shape, traits):
    probs, labels = distinct(*shape, imbalance=5, **traits)
    start, bounds = np.full(len(probs), 0.3), [(0, None)] * len(probs)
    options = {"ftol": 1e-15, "gtol": 1e-8, "maxiter": 2000, "maxfun": 100_000}
    expected = minimize(penalised_loss, start, (probs, labels), "L-BFGS-B", bounds=bounds, options=options)
    exponents = Blend().fit(probs, labels).exponents
    assert penalised_loss(exponents, probs, labels) <= expected.fun + 1e-6
    np.testing.assert_allclose(exponents, expected.x, atol=0.02)


def test_gradient_and_hessian():
    probs, labels = distinct(4, 600, 6, skill=4.0)  # more images than one block holds
    loss, at = _LogLoss(probs, labels, slice(None)), np.array([0.5, 0.1, 0.9, 0.3])
    value, _, hessian = loss.at(at)
    assert value == pytest.approx(penalised_loss(at, probs, labels), rel=1e-5)
    assert check_grad(penalised_loss, lambda w, *_: loss.at(w)[1], at, probs, labels) < 1e-4
    steps = 0.01 * np.eye(4)
    expected = [(loss.at(at + step)[1] - loss.at(at - step)[1]) / 0.02 for step in steps]
    np.testing.assert_allclose(hessian, expected, atol=2e-3)


def test_one_member_is_a_temperature():
    probs, labels = distinct(1, 3000, 8, skill=6.0)
    sharp = with_temperature(probs, 0.4)
    exponent = Blend().fit(sharp, labels).exponents[0]
    assert exponent == pytest.approx(1 / fit_temperature(labels, sharp[0]), rel=0.01)


def test_a_member_that_knows_nothing_gets_next_to_nothing():
    probs, labels = distinct(3, 1000, 8, skill=6.0)
    noise = np.random.default_rng(0).dirichlet(np.ones(8), (1, 1000)).astype(np.float32)
    assert Blend().fit(np.concatenate([probs, noise]), labels).weights[3] < 0.02


def test_twins_share():
    probs, labels = distinct(2, 300, 8, skill=6.0)
    alone = Blend().fit(probs, labels).exponents
    twins = Blend().fit(probs[[0, 0, 1]], labels).exponents
    assert twins[0] == pytest.approx(twins[1], abs=1e-3)
    assert twins[0] + twins[1] == pytest.approx(alone[0], abs=0.05)


def test_images_that_are_all_distinguished_leave_exponents_finite():
    labels = np.arange(40) % 4
    probs = np.full((2, 40, 4), 0.1, dtype=np.float32)
    probs[:, np.arange(40), labels] = 0.7
    assert Blend().fit(probs, labels).exponents.max() < 10


def test_zeros_that_underflowed_are_survived():
    probs, labels = distinct(3, 200, 8, skill=6.0)
    probs[0] = np.eye(8)[probs[0].argmax(axis=1)]
    assert np.isfinite(Blend().fit(probs, labels).predict_proba(probs)).all()


def test_likelihood_on_fresh_images_is_better_than_that_of_the_members_and_their_mean():
    world = World(6, 8, skill=6.0, imbalance=5)
    (probs, labels), (fresh, fresh_labels) = world.draw(1000, seed=0), world.draw(4000, seed=1)
    blended = log_loss(fresh_labels, log_of(Blend().fit(probs, labels).predict_proba(fresh)))
    others = [log_loss(fresh_labels, log_of(rows)) for rows in [*fresh, fresh.mean(axis=0)]]
    assert blended < min(others)
    assert macro_f1(fresh_labels, fresh.mean(axis=0).argmax(axis=1), 8) > 0.5
