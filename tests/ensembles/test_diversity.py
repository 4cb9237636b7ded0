import numpy as np

from ensembles import class_changes, disagreement, double_fault, q_statistic

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
A = np.array([0, 0, 0, 1, 1, 1, 1, 1, 2, 0])  # wrong on images 3 and 9
B = np.array([0, 0, 0, 2, 1, 1, 1, 0, 2, 2])  # wrong on images 3 and 7


def test_disagreement_by_hand():
    np.testing.assert_allclose(disagreement(np.stack([A, B])), [[0, 0.3], [0.3, 0]])


def test_double_fault_by_hand():
    np.testing.assert_allclose(double_fault(np.stack([A, B]), LABELS), [[0.2, 0.1], [0.1, 0.2]])


def test_q_statistic_by_hand():
    # both hit 7, both miss 1, one hits 1 and 1: (7 * 1 - 1 * 1) / (7 * 1 + 1 * 1)
    np.testing.assert_allclose(q_statistic(np.stack([A, B]), LABELS), [[1, 0.75], [0.75, 1]])


def test_q_of_independent_hits_is_near_0_and_of_opposite_ones_minus_1():
    rng = np.random.default_rng(0)
    labels = np.zeros(20_000, int)
    hits = rng.random((2, 20_000)) < 0.7
    assert abs(q_statistic((~hits).astype(int), labels)[0, 1]) < 0.05
    half = np.arange(20_000) % 2
    assert q_statistic(np.stack([half, 1 - half]), labels)[0, 1] == -1


def test_q_of_members_that_never_err_is_undefined():
    assert np.isnan(q_statistic(np.stack([LABELS, LABELS]), LABELS)).all()


def test_class_changes_by_hand():
    changes = class_changes(LABELS, A, B, 3)
    assert list(changes.support) == [4, 4, 2]
    np.testing.assert_allclose(changes.before, [6 / 8, 8 / 9, 2 / 3])
    np.testing.assert_allclose(changes.after, [6 / 8, 6 / 7, 4 / 5])
    assert changes.fixed == [2]
    assert changes.broken == [1]


def test_class_changes_are_means_over_repeats():
    changes = class_changes(LABELS, np.stack([A, B]), np.stack([B, B]), 3)
    np.testing.assert_allclose(changes.before, [6 / 8, (8 / 9 + 6 / 7) / 2, (2 / 3 + 4 / 5) / 2])
    np.testing.assert_allclose(changes.after, [6 / 8, 6 / 7, 4 / 5])
