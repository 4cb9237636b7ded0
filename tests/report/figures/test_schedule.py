from __future__ import annotations

import dataclasses

import pandas as pd
import pytest
from helpers_report import drawn, ramp

from bench.report.figures import schedule


def test_schedule_shows_both_rates_where_they_differ(golden):
    plain, fed_back = golden.schedules["frozen"], golden.schedules["frozen"].copy()
    fed_back["learning_rate_as_run"] = ramp() * 2
    inputs = dataclasses.replace(golden, schedules={"frozen": plain, "seed": fed_back})
    assert [len(axes.lines) for axes in drawn(schedule, inputs).axes] == [1, 2]


@pytest.mark.parametrize("schedules", [{}, {"frozen": pd.DataFrame({"epoch": [], "learning_rate": []})}])
def test_no_schedule_no_figure(golden, schedules):
    assert drawn(schedule, dataclasses.replace(golden, schedules=schedules)) is None
