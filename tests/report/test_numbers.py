from __future__ import annotations

import math

import pandas as pd
import pytest

from bench.report import numbers

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8124, ".812"), (1.0, "1.000"), (0.0, ".000"), (NAN, "-"), (0.9999, "1.000"), (10.5, "10.500")],
)
def test_score(value, text):
    assert numbers.score(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0123, "+.012"), (-0.004, "-.004"), (-1.0, "-1.000"), (NAN, "-")])
def test_gain(value, text):
    assert numbers.gain(value) == text


def test_interval():
    assert numbers.interval(0.741, 0.868) == "[.74, .87]"
    assert numbers.interval(NAN, 0.868) == ""


def test_values_with_their_intervals():
    rows = pd.DataFrame({"f1": [0.8124, 0.5], "f1_low": [0.741, NAN], "f1_high": [0.868, NAN]})
    assert numbers.bounded_score(rows.iloc[0], "f1") == ".812 [.74, .87]"
    assert numbers.score_column(rows, "f1") == [".812 [.74, .87]", ".500"]
    assert numbers.score_column(rows, "f1", digits=3)[0] == ".812 [.741, .868]"
    assert numbers.gain_column(rows - 0.8, "f1") == ["+.012 [-.059, +.068]", "-.300"]


def test_whole():
    assert numbers.whole([16.0, NAN]) == ["16", "-"]


def test_narrow_intervals_get_a_third_decimal():
    assert numbers.interval_digits([0.70, 0.97], [0.80, 0.98]) == 3
    assert numbers.interval_digits([0.70, NAN], [0.80, NAN]) == 2


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([41.2, 215.26, 7.41], ["41.2", "215.3", "7.4"]),
        ([0.0214, 0.36], ["0.021", "0.360"]),
        ([1234.5, NAN], ["1,234", "-"]),
        ([0.0, 0.0], ["0.0", "0.0"]),
        ([0.00001], ["0.000"]),
        ([], []),
    ],
)
def test_column_has_one_count_of_decimals(values, cells):
    assert numbers.column(values) == cells


@pytest.mark.parametrize(
    ("value", "text"), [(0.2134, "0.213"), (12.14, "12.1"), (1240.0, "1,240"), (0.0, "0"), (NAN, "-")]
)
def test_significant(value, text):
    assert numbers.significant(value) == text


def test_ratio_of_a_missing_value_is_missing():
    assert numbers.ratio(numbers.divide(3.0, 0.0)) == "-"
    assert numbers.ratio(numbers.divide(NAN, 2.0)) == "-"
    assert numbers.ratio(numbers.divide(7.0, 2.0)) == "3.5x"
