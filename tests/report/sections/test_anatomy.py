"""The inside of ensembles in the report, from plain data."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers_report import cells, ensemble_row, make_inputs, run_id, runs, text_of

from bench.report.build import build
from bench.report.figures import greedy, reliability
from bench.report.figures.style import house_style
from bench.report.frame.ranking import Ranking
from bench.report.sections.anatomy import anatomy

BEST, SECOND = run_id("densenet121", 512), run_id("resnet50", 512)


def step(picked: str, members: int, fit: float, held_out: float, cost: float | None) -> dict:
    return {
        "picked": picked,
        "members": members,
        "macro_f1": fit,
        "macro_f1_held_out": held_out,
        "log_loss": 0.4,
        "ms_per_image": cost,
        "train_seconds": None if cost is None else 10 * cost,
    }


def point(stages: list[str], threshold: float, cost: float, score: float) -> dict:
    reach = [1.0, 0.25][: len(stages)]
    return {"stages": stages, "threshold": threshold, "reach": reach, "ms_per_image": cost, "macro_f1": score}


def combination(**changes) -> dict:
    pair = {"one": BEST, "other": SECOND, "disagreement": 0.2, "double_fault": 0.05, "q": 0.5}
    sides = (
        {"log_loss": 0.5, "brier": 0.2, "calibration_error": 0.08},
        {
            "log_loss": 0.4,
            "brier": 0.1,
            "calibration_error": 0.02,
        },
    )
    bins = [{"confidence": 0.4, "accuracy": 0.3, "images": 20}, {"confidence": 0.9, "accuracy": 0.8, "images": 300}]
    return {
        "best_single_cross_fitted": 0.88,
        "states": {BEST: "", SECOND: "was run again since"},
        "left_out": [{"run_id": run_id("vgg16", 224), "reason": "it is a twin"}],
        "diversity": {"disagreement": 0.2, "double_fault": 0.05, "q": None, "pairs": [pair, pair | {"q": None}]},
        "class_changes": {
            "fixed": [{"name": "a|rose", "images": 1234, "before": 0.5, "after": 0.75}],
            "broken": [{"name": "tulip", "images": 3, "before": 0.9, "after": 0.8}],
            "risen": 7,
            "fallen": 2,
        },
        "calibration": {
            "temperature": 1.25,
            "before": sides[0],
            "after": sides[1],
            "bins_before": bins,
            "bins_after": bins,
        },
        "greedy": {
            "kept": 2,
            "steps": [
                step(BEST, 1, 0.884, 0.880, 136.0),
                step(SECOND, 2, 0.91, 0.895, 255.0),
                step(BEST, 2, 0.90, 0.89, 255.0),
            ],
        },
        "cascade": {
            "chosen": point([SECOND, BEST], 0.6, 153.0, 0.9),
            "front": [point([SECOND], 0.0, 119.0, 0.871), point([SECOND, BEST], 0.6, 153.0, 0.9)],
        },
    } | changes


def inputs_with(**changes):
    singles = runs()
    row = ensemble_row(singles[4:6], singles)
    return make_inputs([*singles, row], combinations={row["run_id"]: combination(**changes)})


def page_of(**changes) -> dict[str, str]:
    """Title of a subsection -> its text; the notes under ""."""
    parts = text_of(anatomy(Ranking.of(inputs_with(**changes)), {})).split("### ")
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
    page = build(inputs_with(**{missing: None}), tmp_path).read_text(encoding="utf-8")
    titles = {
        "greedy": "Greedy selection",
        "cascade": "Cascade",
        "diversity": "Diversity of members",
        "class_changes": "Classes fixed and broken",
        "calibration": "Calibration",
    }
    shown = {title for title in titles.values() if f"### {title}" in page}
    assert shown == set(titles.values()) - {titles[missing]}
    assert "nan" not in page.lower()


def drawn(module, inputs):
    subject = module.subject(Ranking.of(inputs))
    with house_style():
        return None if subject is None else module.draw(subject)


def test_the_picture_of_greedy_selection_has_a_panel_for_each_known_cost():
    figure = drawn(greedy, inputs_with())
    assert [axes.get_xlabel().split()[0] for axes in figure.axes] == ["different", "inference", "training"]
    members = next(line for line in figure.axes[0].lines if line.get_label() == "on images held out")
    assert members.get_xdata().tolist() == [1, 2, 2]
    assert members.get_ydata().tolist() == [0.880, 0.895, 0.89]
    free = combination()["greedy"] | {"steps": [step(BEST, 1, 0.884, 0.880, None)], "kept": 1}
    assert len(drawn(greedy, inputs_with(greedy=free)).axes) == 1
    assert drawn(greedy, inputs_with(greedy=None)) is None


def test_the_reliability_diagram_holds_both_sides_and_the_diagonal():
    axes = drawn(reliability, inputs_with()).axes[0]
    assert [line.get_label() for line in axes.lines] == [
        "confidence equals accuracy",
        "as combined, calibration error .080",
        "with temperature, calibration error .020",
    ]
    pd.testing.assert_series_equal(
        pd.Series(axes.lines[1].get_ydata()), pd.Series([0.3, 0.8]), check_names=False, check_index=False
    )
    assert drawn(reliability, inputs_with(calibration=None)) is None
