from __future__ import annotations

from helpers_report import failed_row, make_inputs, runs

from bench.report.frame.ranking import Ranking
from bench.report.sections.results import results


def cells(rows: list[dict]) -> list[list[str]]:
    lines = [line for line in results(Ranking.of(make_inputs(rows))).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_dollars_have_a_column_only_where_there_is_a_price():
    assert "USD" not in cells(runs())[0]
    priced = cells([row | {"cost_usd": 0.0123} for row in runs()])
    assert priced[2][priced[0].index("USD")] == "0.012"


def test_a_score_on_images_trained_on_is_in_parentheses_and_last():
    rows = runs()
    rows[0] |= {"saw_validation": True, "macro_f1": 1.0, "macro_f1_low": None, "macro_f1_high": None}
    assert cells(rows)[-1][:2] == ["vgg16@224", "(1.000)"]


def test_a_failed_run_is_a_row_with_what_is_known():
    header, _, row = cells([failed_row()])
    found = dict(zip(header, row, strict=True))
    assert (found["status"], found["notes"], found["macro F1"], found["weights"]) == ("failed", "a", "-", "imagenet")


def test_narrow_intervals_have_a_third_decimal():
    rows = [row | {"macro_f1_low": row["macro_f1"] - 0.007, "macro_f1_high": row["macro_f1"] + 0.007} for row in runs()]
    assert cells(rows)[2][1] == ".884 [.877, .891]"


def test_no_runs():
    assert results(Ranking.of(make_inputs([]))) == "No run is stored yet."
