from __future__ import annotations

import pytest
from helpers_report import ensemble_row, make_inputs, runs

from bench.report.combined import ensembles, members
from bench.report.ranking import Ranking


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a", [("a", 1.0)]),
        ("a;b", [("a", 0.5), ("b", 0.5)]),
        ("a*0.25;b*0.75", [("a", 0.25), ("b", 0.75)]),
    ],
)
def test_members(text, expected):
    assert members(text) == expected


def test_section_names_members_weights_and_both_training_costs():
    singles = runs()
    row = ensemble_row(singles[4:6], singles)
    row["members"] = f"{singles[4]['run_id']}*0.25;{singles[5]['run_id']}*0.75"
    text = ensembles(Ranking.of(make_inputs([*singles, row])))
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    # 17.3 s at 224 px and 90.4 s at 512 px are 107.7; all eight candidates are 81.51 x (1 + 5.2245) = 507.4.
    score = [".897 [.86, .93]", ".909", "+.017 [-.004, +.038]", ".893 [.81, .95]"]
    assert ["top3", *score, "2", "507", "108", "162"] in lines
    assert ["(best single run)", ".880", ".884", "-", ".871 [.77, .95]", "1", "507", "90", "136"] in lines
    assert lines.index(["top3", "densenet121@512", ".884", "0.750"]) < lines.index(
        ["top3", "densenet121@224", ".846", "0.250"]
    )


def test_a_member_that_vanished_is_said_to_have():
    text = ensembles(Ranking.of(make_inputs([ensemble_row(runs()[:1], runs())])))
    assert "(no longer in the store)" in text


def test_nothing_without_ensembles():
    assert ensembles(Ranking.of(make_inputs(runs()))) == ""
