from __future__ import annotations

import pandas as pd
from helpers_report import drawn, inputs_with_combination

from bench.report.figures import reliability


def test_the_reliability_diagram_holds_both_sides_and_the_diagonal():
    axes = drawn(reliability, inputs_with_combination()).axes[0]
    assert [line.get_label() for line in axes.lines] == [
        "confidence equals accuracy",
        "as combined, calibration error .080",
        "with temperature, calibration error .020",
    ]
    pd.testing.assert_series_equal(
        pd.Series(axes.lines[1].get_ydata()), pd.Series([0.3, 0.8]), check_names=False, check_index=False
    )
    assert drawn(reliability, inputs_with_combination(calibration=None)) is None
