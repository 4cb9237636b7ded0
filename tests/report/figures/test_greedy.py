from __future__ import annotations

import pytest
from helpers_report import combination, drawn, inputs_with_combination, step

from bench.report.figures import greedy


def test_the_picture_of_greedy_selection_has_a_panel_for_each_known_cost():
    figure = drawn(greedy, inputs_with_combination())
    assert [axes.get_xlabel().split()[0] for axes in figure.axes] == ["different", "inference", "training,"]
    members = next(line for line in figure.axes[0].lines if line.get_label() == "on images held out")
    assert members.get_xdata().tolist() == [1, 2, 2]
    assert members.get_ydata().tolist() == [0.880, 0.895, 0.89]
    seconds = next(line for line in figure.axes[2].lines if line.get_label() == "on images held out")
    # Steady seconds, nine tenths of 17.3 and 15.6 at 224 px, times 5.2245, whatever the steps were stored with.
    assert seconds.get_xdata().tolist() == pytest.approx([81.34, 154.69, 154.69], abs=0.01)
    free = combination()["greedy"] | {"steps": [step("gone", 1, 0.884, 0.880, None)], "kept": 1}
    assert len(drawn(greedy, inputs_with_combination(greedy=free)).axes) == 1
    assert drawn(greedy, inputs_with_combination(greedy=None)) is None
