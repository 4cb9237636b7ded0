"""Accepted numbers. Refused ones are in `test_prediction_file.py`."""

from pathlib import Path

import numpy as np

from bench.predictions.add.probabilities import LEAST, certain, log_probabilities, warning

PATH = Path("p.csv")


def test_rows_are_divided_by_their_sum_unless_it_is_rounding():
    values = np.array([[0.5, 0.5004], [0.25, 0.750001]])
    found = np.exp(log_probabilities(values, "ab", PATH).astype(np.float64))
    np.testing.assert_allclose(found[0], np.array([0.5, 0.5004]) / 1.0004, rtol=1e-6)
    np.testing.assert_allclose(found[1], values[1], rtol=1e-7)
    assert values[0, 1] == 0.5004  # the argument is not changed


def test_zero_is_the_smallest_float32():
    found = log_probabilities(np.array([[0.0, 1.0]]), "a", PATH)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[np.log(2.0**-149), 0.0]], rtol=1e-6)


def test_predicted_classes_are_certain():
    np.testing.assert_allclose(np.exp(certain(np.array([2, 0]), 3)), [[0, 0, 1], [1, 0, 0]], atol=2 * LEAST)


def test_only_zeros_of_float16_are_warned_of():
    assert warning(np.array([[0.0, 1.0]], np.float16), PATH).startswith("WARNING: 50% of 'p.csv' underflowed")
    assert warning(np.array([[0.0, 1.0]]), PATH) == ""
    assert warning(np.array([[0.5, 0.5]], np.float16), PATH) == ""
