import numpy as np
import pytest

from ensembles.multiplicity import holm


def stepwise(p_values, alpha):
    """Indices of the differences, by the procedure as Holm describes it: one step after the other."""
    left, found = list(range(len(p_values))), set()
    while left:
        smallest = min(left, key=lambda index: p_values[index])
        if p_values[smallest] > alpha / len(left):
            break
        found.add(smallest)
        left.remove(smallest)
    return found


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_the_differences_are_those_of_the_stepwise_procedure(size):
    rng = np.random.default_rng(size)
    for _ in range(50):
        p_values = rng.beta(0.3, 5, size)
        adjusted, _ = holm(p_values.tolist())
        assert set(np.flatnonzero(adjusted <= 0.05)) == stepwise(p_values, 0.05)


def test_an_interval_of_the_level_excludes_zero_where_the_p_value_is_a_difference():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p_values = rng.beta(0.3, 5, 9)
        adjusted, levels = holm(p_values.tolist())
        np.testing.assert_array_equal(adjusted <= 0.05, p_values <= 1 - levels)


def test_levels_by_hand():
    adjusted, levels = holm([0.2, 0.001, 0.03])
    assert adjusted.tolist() == pytest.approx([0.2, 0.003, 0.06])
    assert levels.tolist() == pytest.approx([1 - 0.05 / 2, 1 - 0.05 / 3, 1 - 0.05 / 2])
    assert [array.tolist() for array in holm([])] == [[], []]


def test_the_order_of_the_comparisons_changes_nothing():
    adjusted, levels = holm([0.2, 0.001, 0.03, 0.001])
    backwards = holm([0.001, 0.03, 0.001, 0.2])
    np.testing.assert_allclose(adjusted, backwards[0][::-1])
    np.testing.assert_allclose(levels[[0, 2]], backwards[1][::-1][[0, 2]])
