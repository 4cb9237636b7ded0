"""Sections of the page, their order, and the facts of its opening. Their content is tested beside each section."""

from __future__ import annotations

import pytest
from helpers_report import failed_row, make_inputs, rank, run_row, runs

from bench.report.frame.ranking import Ranking
from bench.report.summary import RECOMMENDATION, advice_title, summary

FIGURE = "![a figure](figure.png)"


def titles(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


def opening(rows: list[dict], **changes) -> str:
    """The text above the first section, on one line."""
    options = {"shared_data": False} | changes
    return " ".join(summary(rank(rows), {}, **options).split("\n## ")[0].split())


def test_every_section_in_its_order(golden):
    """Scores before costs, results before method; seeds and rates need runs that differ in them."""
    rows = [
        *golden.rows.to_dict("records"),
        run_row("vgg16", 224, run_id="again", seed=1),
        run_row("vgg16", 224, run_id="scaled", lr_scale=2.0),
    ]
    ranking = Ranking.of(make_inputs(rows))
    pictures = dict.fromkeys(("accuracy-versus-cost.png", "learning-curves.png"), FIGURE)
    assert titles(summary(ranking, pictures, shared_data=False)) == [
        "Seeds",
        "Results",
        "Ensembles",
        "Accuracy versus cost",
        "Gain from resolution",
        "Learning rates",
        "Learning curves",
        "Schedule",
        "Failures",
        "Details",
        "How it was measured",
        "Reproduce",
    ]


@pytest.mark.parametrize("name", ["learning-curves.png", "schedule.png"])
def test_a_figure_that_was_drawn_is_in_its_section(name):
    text = summary(rank(runs()), {name: FIGURE}, shared_data=False)
    section = {"learning-curves.png": "Learning curves", "schedule.png": "Schedule"}[name]
    assert FIGURE in text.split(f"## {section}\n")[1].split("\n## ")[0]


def test_sections_without_a_subject_are_left_out():
    ours = titles(summary(rank([failed_row()]), {}, shared_data=False))
    assert {"Results", "Failures", "How it was measured"} <= set(ours)
    assert not {"Seeds", "Ensembles", "Gain from resolution", "Learning rates", "Learning curves"} & set(ours)
    assert "Failures" not in titles(summary(rank(runs()), {}, shared_data=False))


def test_the_setting_is_one_line():
    expected = (
        "Classes: 8; images: 440 training, 320 validation, 80 test; weights: imagenet; device: cpu (2 cores, AVX-512); "
        "8 runs and 0 ensembles ranked, 0 failed."
    )
    assert expected in opening(runs())


def test_unknown_counts_are_left_out_and_several_devices_named():
    rows = [run_row("vgg16", 224, train_images=None, device=device, run_id=device) for device in ("cpu", "gpu")]
    text = opening(rows)
    assert "Classes: 8; images: 320 validation, 80 test; weights: imagenet; device: cpu or gpu; 2 runs and" in text


def test_markup_in_a_device_is_text():
    assert r"device: cpu \*fast\*;" in opening([run_row("vgg16", 224, device="cpu *fast*")])


def test_superseded_ensembles_are_not_counted(golden):
    """Two ensembles of one method and one failure are stored."""
    text = " ".join(summary(Ranking.of(golden), {}, shared_data=False).split())
    assert "; 8 runs and 1 ensemble ranked, 1 failed." in text


def test_one_run_is_singular():
    assert "; 1 run and 0 ensembles ranked, 0 failed." in opening(runs()[:1])


def test_a_run_that_saw_validation_is_not_ranked():
    rows = [*runs()[:2], run_row("vgg16", 512, saw_validation=True)]
    assert "; 2 runs and 0 ensembles ranked, 0 failed." in opening(rows)


def test_a_data_set_among_others_is_named():
    assert "The store holds other data sets too; this page is about sample alone." in opening(runs(), shared_data=True)
    assert "other data sets" not in opening(runs())


def test_the_opening_begins_with_the_data_set_and_ends_with_the_recommendation():
    text = opening(runs(), advised=True)
    assert text.startswith("# Backbones on sample: macro F1 and its cost ")
    assert text.endswith(
        f"Recommendation for a budget, from the last `recommend`: [{RECOMMENDATION}]({RECOMMENDATION})."
    )
    assert RECOMMENDATION not in opening(runs())


def test_names_of_data_sets_are_escaped_in_titles():
    assert advice_title("my|own") == r"# Recommendation for my\|own:"
    rows = [row | {"data": "my|own"} for row in runs()[:1]]
    assert opening(rows).startswith(r"# Backbones on my\|own: macro F1")
    assert opening([row | {"data": ""} for row in runs()[:1]]).startswith("# Backbones: macro F1")
