from __future__ import annotations

import re

import pytest
from helpers_report import cells, combination, ensemble_row, failed_row, rank, run_row, runs, text_of

from bench.report.sections.verdict import verdict
from ensembles.uncertainty import MIN_IMAGES, MIN_IMAGES_PER_CLASS

FEW = {"macro_f1_low": None, "macro_f1_high": None, "difference_to_best_low": None, "difference_to_best_high": None}


def says(rows: list[dict], *, shared_data: bool = False, **changes) -> str:
    return text_of(verdict(rank(rows, **changes), shared_data=shared_data))


def lines(rows: list[dict], **changes) -> dict[str, list[str]]:
    return {first: rest for first, *rest in cells(says(rows, **changes))}


def with_cascade(**changes) -> tuple[list[dict], dict]:
    """Eight runs, top3 and a cascade; and the combinations."""
    rows = runs()
    top = ensemble_row(rows[4:6], rows)
    values = {"macro_f1": 0.89, "macro_f1_cross_fitted": 0.89, "gain_over_best_single": 0.010}
    cascade = ensemble_row(rows[5:6], rows, run_id="ensemble-cascade-00000000", **values | changes)
    made = {top["run_id"]: combination(cascade=None), cascade["run_id"]: combination()}
    return [*rows, top, cascade], made


def test_four_lines_by_hand():
    """Steady seconds are nine tenths of those in full: 7.41 s at 224 px, times 5.2245 at 512 px, are 34.8."""
    rows, made = with_cascade()
    assert lines(rows, combinations=made) == {
        "": ["run", "macro F1", "difference", "from", "epoch s", "train s", "ms"],
        "best run": ["densenet121@512", ".884 [.85, .92]", "-", "-", "80", "81", "136"],
        "cheapest tied with it": [
            *("efficientnetb0@512", ".867 [.83, .90]", "-.017 [-.047, +.013]", ".884", "34", "35", "49")
        ],
        "best ensemble": ["top3", ".897 [.86, .93]", "+.017 [-.004, +.038]", ".880", "95", "97", "162"],
        "its cascade": ["cascade", ".890 [.86, .93]", "+.010 [-.004, +.038]", ".880", "80", "81", "136"],
    }


def test_a_cascade_that_is_the_best_ensemble_stands_once():
    rows, made = with_cascade(macro_f1_cross_fitted=0.95)
    found = lines(rows, combinations=made)
    assert found["best ensemble"][0] == "cascade"
    assert "its cascade" not in found


def test_the_sentence_on_noise_counts_its_comparisons():
    text = says([*runs(), ensemble_row(runs()[:2], runs())])
    assert (
        "On these images densenet121@512 **cannot be told apart** from resnet50@512 and efficientnetb0@512 (2 of 7 "
        "others, adjusted for 7 comparisons (Holm)); the gain of top3 is **within the noise**."
    ) in text


def test_one_run_is_not_a_ranking():
    text = says(runs()[:1])
    assert set(lines(runs()[:1])) == {"", "best run"}
    assert "The store holds no other run to compare." in text


def test_a_clear_winner():
    rows = [row | {"indistinguishable_from_best": row["run_id"].startswith("densenet121-512")} for row in runs()]
    assert "densenet121@512 can be told apart from every other run, adjusted for 7 comparisons (Holm)." in says(rows)
    assert lines(rows)["cheapest tied with it"] == lines(rows)["best run"]


def test_without_a_stored_comparison_none_is_claimed():
    rows = [row | {"indistinguishable_from_best": None} for row in runs()]
    assert "Ties of densenet121@512 with the others were not computed." in says(rows)
    assert "cheapest tied with it" not in lines(rows)


def test_scores_of_few_images_are_no_verdict():
    rows = [row | FEW | {"val_images": 20, "indistinguishable_from_best": True} for row in runs()]
    text = says(rows)
    assert text.startswith(
        "**No two runs can be told apart**: 20 validation images of 8 classes are too few. A verdict takes at least "
        f"{MIN_IMAGES} images, and {['', '', '', '', '', 'five'][MIN_IMAGES_PER_CLASS]} a class."
    )
    assert not re.search(r"\.\d\d\d", text)


def test_missing_classes_hide_the_interval_of_a_score_and_not_that_of_a_difference():
    rows = [row | {"macro_f1_low": None, "macro_f1_high": None} for row in runs()]
    assert lines(rows)["best run"][1] == ".884"
    assert "**cannot be told apart** from resnet50@512" in says(rows)


def test_the_cheapest_is_by_steady_seconds():
    rows = runs()
    rows[3] |= {"train_seconds_steady": 30.0, "train_seconds_full": 900.0}  # resnet50@512
    assert lines(rows)["cheapest tied with it"][0] == "resnet50@512"


def test_seconds_of_two_devices_are_not_compared():
    rows = runs()
    rows[5] |= {"device": "gpu"}  # the best one
    assert "cheapest tied with it" not in lines(rows)
    rows = runs()
    rows[7] |= {"device": "gpu"}  # the cheapest of those tied with it
    assert lines(rows)["cheapest tied with it"][0] == "resnet50@512"


def test_seeds_give_a_mean_never_the_best():
    scores = (0.80, 0.82, 0.90)
    rows = [run_row("vgg16", 224, run_id=f"r{i}", seed=i, macro_f1=score) for i, score in enumerate(scores)]
    rows.append(run_row("resnet50", 224, macro_f1=0.85))
    found = lines(rows)
    assert found["best run"][0] == "resnet50@224"  # mean of the others: .84
    assert ".900" not in says(rows)


def test_a_gain_that_is_real_and_one_that_is_a_loss():
    def gain(**changes) -> str:
        return says([*runs(), ensemble_row(runs()[:2], runs(), **changes)])

    assert "the gain of top3 is more than noise." in gain(gain_over_best_single_low=0.002)
    worse = gain(gain_over_best_single=-0.02, gain_over_best_single_low=-0.05, gain_over_best_single_high=-0.001)
    assert "the gain of top3 is **a loss**." in worse
    assert "-.020 [-.050, -.001]" in worse
    assert "the gain of top3 is of unknown certainty." in gain(gain_over_best_single_low=None)


def test_the_best_of_several_ensembles_is_called_so():
    rows, made = with_cascade()
    assert "the gain of top3, the best of 2, is **within the noise**." in says(rows, combinations=made)


def test_a_test_score_takes_enough_images():
    rows = [*runs(), ensemble_row(runs()[:2], runs())]
    assert "Test F1: densenet121@512 .871 [.77, .95], top3 .893 [.81, .95]." in says(rows)
    bare = {"test_macro_f1_low": None, "test_macro_f1_high": None, "test_images": 10}
    assert "est F1" not in says([row | bare for row in rows])


def test_ensembles_of_other_candidates_or_under_a_budget_are_never_in_it():
    other = ensemble_row(runs()[:2], runs()[:2], other_candidates=True, best_single_cross_fitted=0.7)
    budget = ensemble_row(runs()[:2], runs(), run_id="ensemble-top3-9ms-00000000", max_cost_ms=9.0)
    apart = ensemble_row(runs()[:2], runs(), not_compared="a candidate cannot be compared")
    for row in (other, budget, apart):
        text = says([*runs(), row])
        assert "top3 0" not in text
        assert "best ensemble" not in text
        assert "No ensemble of all candidates is stored; `python -m bench ensemble top3` makes one." in text
    assert "`python -m bench ensemble top3 --data sample`" in says([*runs(), other], shared_data=True)
    assert "No ensemble" not in says([*runs(), other, ensemble_row(runs()[:2], runs(), run_id="ensemble-mean-1")])
    assert "No ensemble" not in says(runs())


@pytest.mark.parametrize("change", [{"saw_validation": True}, {"not_compared": "other images"}])
def test_runs_without_a_valid_score(change):
    assert says([row | change for row in runs()]).startswith("No run has a valid score")


@pytest.mark.parametrize("rows", [[], [failed_row()]])
def test_no_finished_run(rows):
    assert says(rows) == "No run has finished yet."


def test_only_an_ensemble_is_left():
    found = says([ensemble_row(runs()[:2], runs())])
    assert "The store holds no single run with a score; the gain of top3 is **within the noise**." in found
    assert "nan" not in found
