from __future__ import annotations

from helpers_report import ensemble_row, make_inputs, run_row, runs

from bench.report.frame.ranking import Ranking
from bench.report.sections.cautions import cautions
from bench.report.sections.verdict import verdict


def says(rows: list[dict]) -> str:
    return verdict(Ranking.of(make_inputs(rows)))


def warns(rows: list[dict]) -> str:
    return cautions(Ranking.of(make_inputs(rows)))


def test_one_run_is_not_a_ranking():
    assert says(runs()[:1]) == (
        "- **Best single run: vgg16@224**, macro F1 .741 [.69, .79] on 320 validation images. "
        "It is the only one, so nothing is ranked."
    )


def test_a_clear_winner_is_said_to_be_one():
    rows = [row | {"indistinguishable_from_best": row["run_id"].startswith("densenet121-512")} for row in runs()]
    assert "it can be told apart from every other." in says(rows)
    assert "Cheapest" not in says(rows)


def test_without_a_stored_comparison_none_is_claimed():
    rows = [row | {"indistinguishable_from_best": None} for row in runs()]
    assert "Whether it can be told apart from the others was not computed." in says(rows)
    assert "Cheapest" not in says(rows)


def test_without_intervals_nothing_keeps_up():
    rows = [row | {"indistinguishable_from_best": True, "macro_f1_low": None, "macro_f1_high": None} for row in runs()]
    assert "With so few images no two runs can be told apart." in says(rows)
    assert "Cheapest" not in says(rows)


def test_seconds_of_two_devices_are_not_divided():
    rows = runs()
    rows[5] |= {"device": "gpu"}  # the best one
    assert "Cheapest" not in says(rows)
    assert "its members cost" not in says([*rows, ensemble_row(rows[:3], rows)]).lower()


def test_seeds_give_a_mean_never_the_best():
    scores = (0.80, 0.82, 0.90)
    rows = [run_row("vgg16", 224, run_id=f"r{i}", seed=i, macro_f1=score) for i, score in enumerate(scores)]
    rows.append(run_row("resnet50", 224, macro_f1=0.85))
    text = says(rows)
    assert "Best single run: resnet50@224" in text  # mean of the others: .84
    assert ".900" not in text


def test_a_gain_that_is_real_and_one_that_is_a_loss():
    sure = ensemble_row(runs()[:2], runs(), gain_over_best_single_low=0.002)
    worse = ensemble_row(runs()[:2], runs(), gain_over_best_single=-0.02, gain_over_best_single_high=-0.001)
    unknown = ensemble_row(runs()[:2], runs(), gain_over_best_single_low=None)
    assert "+.017 [+.002, +.038]: more than the noise." in says([*runs(), sure])
    assert "-.020 [-.004, -.001]: **worse**, beyond the noise." in says([*runs(), worse])
    assert "+.017, of unknown certainty" in says([*runs(), unknown])


def test_random_weights_are_said_loudly():
    everything = warns([row | {"weights": "random"} for row in runs()])
    assert everything.startswith("> **WARNING: randomly initialised backbones.**")
    some = runs()
    some[0] |= {"weights": "random"}
    assert warns(some).startswith("> **WARNING: randomly initialised backbones** in 1 run (vgg16@224).")
    assert warns(runs()) == ""


def test_on_the_built_in_data_real_weights_are_offered():
    offer = "`pip install 'petalbench[lite]'`, then `python -m bench run efficientnetlite0`"
    random = [row | {"weights": "random"} for row in runs()]
    assert offer in warns(random).replace("\n> ", " ")
    assert "lite" not in warns([row | {"data": "mine"} for row in random])


def test_splits_that_share_pictures_are_said_first():
    rows = [row | {"val_duplicates": 4, "test_duplicates": 2} for row in runs()]
    rows[0]["val_duplicates"] = rows[0]["test_duplicates"] = None  # added, and nobody has looked
    assert warns(rows).startswith("> **WARNING: the splits share pictures**, byte for byte: 4 validation images are")
    assert "2 test images are training or validation images too." in warns(rows).replace("\n> ", " ")
    assert "share pictures" not in warns([row | {"val_duplicates": 0, "test_duplicates": 0} for row in runs()])


def test_other_cautions():
    rows = runs()
    rows[0] |= {"did_not_train": True}
    rows[1] |= {"saw_validation": True}
    rows[2] |= {"device": "gpu"}
    text = warns(rows)
    assert "**Did not train**: 1 run (vgg16@224)" in text
    assert "**Saw validation**: 1 run (vgg16@512)" in text
    assert "**Other device**: 1 run (resnet50@224)" in text


def test_a_test_score_of_few_images_says_so():
    bare = {"test_macro_f1_low": None, "test_macro_f1_high": None, "test_images": 10}
    rows = [*(row | bare for row in runs()), ensemble_row(runs()[:2], runs(), **bare)]
    assert "Test F1 .893; the best single run .871 (10 images, too few for an interval)." in says(rows)
