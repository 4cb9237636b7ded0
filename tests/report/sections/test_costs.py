from __future__ import annotations

from helpers_report import cells, rank, run_row, runs, text_of

from bench.report.sections.costs import fronts, resolution

PICTURES = {"accuracy-versus-cost.png": "![picture]"}


def steps(rows: list[dict]) -> list[list[str]]:
    return cells(text_of(resolution(rank(rows))))[1:]


def test_the_front_of_each_known_cost():
    picture, _, lines = fronts(rank(runs()), PICTURES)
    assert picture == "![picture]"
    assert lines.startswith(
        "- **Training in full**: efficientnetb0@224 (.818, 7.41 s) → resnet50@224 (.833, 15.6 s) → "
    )
    rows = [row | {"train_seconds_full": None} for row in runs()]
    lines = fronts(rank(rows), PICTURES)[-1]
    assert lines.startswith("- **Inference**: efficientnetb0@224 (.818, 9.35 ms per image) → ")
    assert "Training in full" not in lines


def test_no_front_without_the_figure():
    assert fronts(rank(runs()), {}) == []


def test_gain_from_pixels_by_hand():
    found = steps(runs())
    assert len(found) == 4
    # .802 - .741; half widths .048 and .0435 give .065; (512/224)^2 = 5.22.
    assert found[0] == [
        *("vgg16", "224 → 512", ".741 → .802", "+.061", ".06", "41.2 → 215", "5.2x", "61.4 → 321", "5.2x")
    ]


def test_three_resolutions_are_two_steps():
    rows = [run_row("vgg16", 224, run_id="a"), run_row("vgg16", 512, run_id="b")]
    rows.append(run_row("vgg16", 224, run_id="c", image_px=331, macro_f1=0.76))
    assert sorted(row[1] for row in steps(rows)) == ["224 → 331", "331 → 512"]


def test_one_resolution_has_no_gain():
    assert steps([run_row("vgg16", 224)]) == []


def test_other_devices_are_not_compared():
    rows = runs()
    rows[0] |= {"device": "gpu"}
    assert len(steps(rows)) == 3
