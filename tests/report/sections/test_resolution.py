from __future__ import annotations

from helpers_report import make_inputs, run_row, runs

from bench.report.frame.ranking import Ranking
from bench.report.sections.resolution import resolution


def rows_of(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_what_pixels_buy_by_hand():
    text = resolution(Ranking.of(make_inputs(runs())))
    assert len(rows_of(text)) == 4
    # .802 - .741; half widths .048 and .0435 give .065; (512/224)^2 = 5.22.
    assert rows_of(text)[0] == [
        *("vgg16", "224 → 512", ".741 → .802", "+.061", ".06", "41.2 → 215", "5.2x", "61.4 → 321", "5.2x")
    ]


def test_three_resolutions_are_two_steps():
    rows = [run_row("vgg16", 224, run_id="a"), run_row("vgg16", 512, run_id="b")]
    rows.append(run_row("vgg16", 224, run_id="c", image_px=331, macro_f1=0.76))
    assert sorted(row[1] for row in rows_of(resolution(Ranking.of(make_inputs(rows))))) == ["224 → 331", "331 → 512"]


def test_one_resolution_buys_nothing():
    assert resolution(Ranking.of(make_inputs([run_row("vgg16", 224)]))) == ""


def test_other_devices_are_not_compared():
    rows = runs()
    rows[0] |= {"device": "gpu"}
    assert len(rows_of(resolution(Ranking.of(make_inputs(rows))))) == 3
