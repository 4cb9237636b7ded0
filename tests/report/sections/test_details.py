from __future__ import annotations

from helpers_report import make_inputs, runs

from bench.report.frame.ranking import Ranking
from bench.report.sections.details import details


def cells(rows: list[dict]) -> dict[str, list[str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines_of(rows)]
    return {name: list(column) for name, *column in zip(*lines, strict=True)}


def lines_of(rows: list[dict]) -> list[str]:
    header, _, *rest = details(Ranking.of(make_inputs(rows))).splitlines()
    return [header, *rest]


def test_when_a_target_was_reached():
    rows = [row | {"target_f1": 0.85} for row in runs()]
    rows[3] |= {"target_epoch": 7, "target_seconds": 123.4}
    found = cells(rows)
    place = found["run_id"].index(rows[3]["run_id"])
    columns = ("target F1", "reached in epoch", "after s")
    assert [found[name][place] for name in columns] == [".85", "7", "123"]
    assert [found[name][place - 1] for name in columns] == [".85", "-", "-"]


def test_without_a_target_nothing_is_said_of_one():
    assert "target F1" not in cells(runs())
