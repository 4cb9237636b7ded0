from __future__ import annotations

import pytest
from helpers_report import cells, failed_row, rank, run_row, runs, text_of

from bench.report.sections.results import details, results, seeds


def results_of(rows: list[dict]) -> list[list[str]]:
    return cells(results(rank(rows))[0])


def details_of(rows: list[dict]) -> dict[str, list[str]]:
    return {name: list(column) for name, *column in zip(*cells(text_of(details(rank(rows)))), strict=True)}


def test_dollars_have_a_column_only_with_a_price():
    assert "USD" not in results_of(runs())[0]
    priced = results_of([row | {"cost_usd": 0.0123} for row in runs()])
    assert priced[1][priced[0].index("USD")] == "0.012"


def test_a_score_on_images_trained_on_is_in_parentheses_and_last():
    rows = runs()
    rows[0] |= {"saw_validation": True, "macro_f1": 1.0, "macro_f1_low": None, "macro_f1_high": None}
    assert results_of(rows)[-1][:2] == ["vgg16@224", "(1.000)"]


def test_a_failed_run_is_a_row_with_its_known_values():
    header, row = results_of([failed_row()])
    found = dict(zip(header, row, strict=True))
    assert (found["status"], found["notes"], found["macro F1"], found["weights"]) == ("failed", "a", "-", "imagenet")


def test_narrow_intervals_have_a_third_decimal():
    rows = [row | {"macro_f1_low": row["macro_f1"] - 0.007, "macro_f1_high": row["macro_f1"] + 0.007} for row in runs()]
    assert results_of(rows)[1][1] == ".884 [.877, .891]"


def test_no_runs():
    assert results(rank([])) == ["No run is stored yet."]


def test_the_epoch_that_reached_a_target():
    rows = [row | {"target_f1": 0.85} for row in runs()]
    rows[3] |= {"target_epoch": 7, "target_seconds": 123.4}
    found = details_of(rows)
    place = found["run_id"].index(rows[3]["run_id"])
    columns = ("target F1", "reached in epoch", "after s")
    assert [found[name][place] for name in columns] == [".85", "7", "123"]
    assert [found[name][place - 1] for name in columns] == [".85", "-", "-"]


def test_without_a_target_there_is_no_column_of_targets():
    assert "target F1" not in details_of(runs())


def test_table_of_seeds():
    scores = (0.80, 0.82, 0.90)
    rows = [run_row("vgg16", 224, run_id=f"r{i}", seed=i, macro_f1=score) for i, score in enumerate(scores)]
    table, note = seeds(rank([*rows, run_row("resnet50", 224)]))
    assert cells(table)[1:] == [["vgg16@224", ".840", ".053", "3", "41", "61"]]
    assert note.startswith("sd is over seeds")


@pytest.mark.parametrize("rows", [[], runs()], ids=["no run", "one seed each"])
def test_no_table_without_seeds(rows):
    assert seeds(rank(rows)) == []
