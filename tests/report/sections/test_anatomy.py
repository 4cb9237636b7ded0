from __future__ import annotations

import pytest
from helpers_report import BEST, SECOND, cells, inputs_with_combination, point, text_of

from bench.report.build import build
from bench.report.frame.ranking import Ranking
from bench.report.sections.anatomy import anatomy


def page_of(**changes) -> dict[str, str]:
    """Title of a subsection -> its text; the notes under ""."""
    parts = text_of(anatomy(Ranking.of(inputs_with_combination(**changes)), {})).split("### ")
    return {title: body for title, _, body in (part.partition("\n\n") for part in parts[1:])} | {"": parts[0].strip()}


def test_members_are_named_as_everywhere_and_unknown_values_are_a_dash():
    found = cells(page_of()["Diversity of members"])
    assert ["top3", ".200", ".050", "-"] in found
    assert ["densenet121@512", "resnet50@512", ".200", ".050", "+.50"] in found
    assert ["densenet121@512", "resnet50@512", ".200", ".050", "-"] in found


def test_classes_go_from_the_largest_rise_to_the_largest_fall():
    text = page_of()["Classes fixed and broken"]
    assert "F1 rises in 7 classes and falls in 2" in text
    assert r"| a\|rose |  1,234 |        .500 |     .750 |      +.250 |" in text
    assert text.index("rose") < text.index("tulip")


def test_calibration_before_and_after():
    found = cells(page_of()["Calibration"])
    assert found[-1] == ["top3", "1.25", ".500 → .400", ".200 → .100", ".080 → .020"]


def test_greedy_selection_has_both_scores():
    text = page_of()["Greedy selection"]
    assert "kept 2 of 3 picks, 2 different members" in text
    assert "from .884 to .910; picked on some folds and scored on the others, from .880 to .895." in text


def test_a_cascade_and_its_alternatives():
    text = page_of()["Cascade"]
    assert "100% of the images run resnet50@512; 25% of the images run densenet121@512" in text
    assert "below 0.600" in text
    assert cells(text)[1:] == [
        ["resnet50@512", "-", "119", ".871"],
        ["resnet50@512 → densenet121@512 (chosen)", "0.600", "153", ".900"],
    ]
    single = {"chosen": point([BEST], 0.0, 1.0, 0.9), "front": [point([BEST], 0.0, 1.0, 0.9)]}
    assert "No cascade scored better than densenet121@512 alone" in page_of(cascade=single)["Cascade"]


def test_changes_of_members_and_candidates_left_out():
    assert page_of()[""].splitlines() == [
        f"- top3 cannot be combined again: its member {SECOND} was run again since.",
        "- Left out: vgg16@224; it is a twin.",
    ]


@pytest.mark.parametrize("missing", ["greedy", "cascade", "diversity", "class_changes", "calibration"])
def test_parts_that_were_not_kept_have_no_section(missing, tmp_path):
    summary = build(inputs_with_combination(**{missing: None}), tmp_path)
    page = (tmp_path / "details.md").read_text(encoding="utf-8")
    titles = {
        "greedy": "Greedy selection",
        "cascade": "Cascade",
        "diversity": "Diversity of members",
        "class_changes": "Classes fixed and broken",
        "calibration": "Calibration",
    }
    shown = {title for title in titles.values() if f"### {title}" in page}
    assert shown == set(titles.values()) - {titles[missing]}
    assert not any(title in summary.read_text(encoding="utf-8") for title in titles.values())
    assert "nan" not in page.lower()
