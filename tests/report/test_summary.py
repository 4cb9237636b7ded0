"""Sections of the page, their order, and the facts of its opening. Their content is tested beside each section."""

from __future__ import annotations

from helpers_report import (
    BEST,
    FAILURE,
    cells,
    combination,
    ensemble_row,
    failed_row,
    make_inputs,
    rank,
    run_row,
    runs,
)

from bench.report.frame.ranking import Ranking
from bench.report.summary import RECOMMENDATION, advice_title, details, summary

FIGURE = "![a figure](figure.png)"


def titles(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


def opening(rows: list[dict], **changes) -> str:
    """The text above the first section, on one line."""
    options = {"shared_data": False} | changes
    return " ".join(summary(rank(rows), {}, **options).split("\n## ")[0].split())


def test_every_section_in_its_order(golden):
    """The answer, scores before costs, results before method."""
    singles = golden.rows.to_dict("records")
    other = ensemble_row(runs()[:2], runs(), run_id="ensemble-top2-22222222", other_candidates=True)
    apart = run_row("vgg16", 224, run_id="apart", not_compared="scored on other images")
    random = run_row("vgg16", 224, run_id="random", weights="random", random_floor=True)
    rows = [*singles, other, apart, random]
    ranking = Ranking.of(make_inputs(rows, failures=[FAILURE], pairs=golden.pairs))
    pictures = dict.fromkeys(("accuracy-versus-cost.png", "learning-curves.png"), FIGURE)
    assert titles(summary(ranking, pictures, shared_data=False)) == [
        "Results",
        "Ensembles",
        "Ensembles of other candidates",
        "Accuracy versus cost",
        "Gain from resolution",
        "Random networks: the floor",
        "Not compared",
        "Failures",
        "How it was measured",
        "Reproduce",
    ]


def test_details_in_their_order(golden):
    scaled = run_row("vgg16", 224, run_id="scaled", lr_scale=2.0, recipe="frozen lr x2")
    rows = [*golden.rows.to_dict("records"), scaled]
    made = {"ensemble-top3-0a1b2c3d": combination()}
    ranking = Ranking.of(make_inputs(rows, failures=[FAILURE], combinations=made))
    text = details(ranking, {"learning-curves.png": FIGURE, "schedule.png": FIGURE})
    assert titles(text) == [
        "Runs",
        "Members of ensembles",
        "Ensembles in sample",
        "Inside the ensembles",
        "Learning rates",
        "Learning curves",
        "Schedule",
        "Logs of failed runs",
        "How it was measured, in full",
    ]
    assert text.count(FIGURE) == 2
    assert details(rank([]), {}) == ""


def test_the_page_fits_two_screens(golden):
    """Eight runs and an ensemble of random networks, which adds the longest warning."""
    rows = [row | {"weights": "random"} for row in golden.rows.to_dict("records") if row["status"] == "ok"]
    made = {"ensemble-top3-0a1b2c3d": combination(best_single=BEST)}
    ranking = Ranking.of(make_inputs(rows, pairs=golden.pairs, combinations=made))
    lines = summary(ranking, {"accuracy-versus-cost.png": FIGURE}, shared_data=False).splitlines()
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 120


def test_runs_of_other_images_stand_in_a_table_of_their_own():
    rows = runs()
    rows[5] |= {"not_compared": "scored on other validation images", "val_images": 7654}  # the best
    text = summary(rank(rows), {}, shared_data=False)
    found = cells(text.split("## Not compared\n")[1].split("\n## ")[0])
    assert found[1:] == [["densenet121@512", ".884 [.85, .92]", "7654", "scored on other validation images"]]
    before = " ".join(text.split("## Not compared\n")[0].split())
    assert "| densenet121@512" not in before
    assert "7 runs and 0 ensembles ranked" in before
    assert "7,654" not in before


def test_random_networks_apart_are_counted_apart():
    """Two seeds of one configuration, which is one row."""
    rows = runs()
    seeds = [rows[5] | {"random_floor": True, "run_id": f"random{seed}", "seed": seed} for seed in (0, 1)]
    text = summary(rank([*rows[:5], *rows[6:], *seeds]), {}, shared_data=False)
    assert "7 runs and 0 ensembles ranked, 2 random apart, 0 failed." in " ".join(text.split())
    before, below = text.split("## Random networks: the floor\n")
    assert "| densenet121@512" not in before
    assert len(cells(below.split("\n## ")[0])) == 2


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
