import numpy as np
import pytest
from ensembles_synthetic import distinct

from ensembles.pooling import linear_pool, log_of, log_pool


def test_linear_pool_is_the_weighted_mean():
    probs, _ = distinct(3, 40, 5)
    weights = np.array([0.5, 0.0, 0.5])
    np.testing.assert_allclose(linear_pool(probs, weights), (probs[0] + probs[2]) / 2, atol=1e-6)


def test_log_pool_by_hand():
    probs = np.array([[[0.8, 0.2]], [[0.5, 0.5]]], dtype=np.float32)
    np.testing.assert_allclose(log_pool(probs, np.array([2.0, 7.0])), [[0.64 / 0.68, 0.04 / 0.68]], atol=1e-6)


def test_pools_do_not_depend_on_the_order_of_members_to_the_last_bit():
    probs, _ = distinct(20, 200, 8, skill=5.0)
    order = np.random.default_rng(0).permutation(20)
    weights = np.random.default_rng(1).dirichlet(np.ones(20))
    for pool in (linear_pool, log_pool):
        different = pool(probs, weights) != pool(probs[order], weights[order])
        assert np.mean(different) < 1e-3  # sums in float32: 0.62


def test_zeros_that_underflowed_are_finite_and_still_a_no():
    probs = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[0.4, 0.6]]], dtype=np.float32)
    pooled = log_pool(probs, np.full(3, 1 / 3))
    assert np.isfinite(pooled).all()
    assert pooled[0, 1] > pooled[0, 0]
    assert log_of(probs)[0, 0, 1] == pytest.approx(-87.3, abs=0.1)
