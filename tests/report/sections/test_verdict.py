from __future__ import annotations

from helpers_report import ensemble_row, rank, run_row, runs

from bench.report.sections.verdict import verdict


def says(rows: list[dict]) -> str:
    return verdict(rank(rows))


def test_one_run_is_not_a_ranking():
    assert says(runs()[:1]) == (
        "- **Best single run: vgg16@224**, macro F1 .741 [.69, .79] on 320 validation images. "
        "The store holds no other run to rank."
    )


def test_a_clear_winner():
    rows = [row | {"indistinguishable_from_best": row["run_id"].startswith("densenet121-512")} for row in runs()]
    assert "the score can be told apart from every other." in says(rows)
    assert "Cheapest" not in says(rows)


def test_without_a_stored_comparison_none_is_claimed():
    rows = [row | {"indistinguishable_from_best": None} for row in runs()]
    assert "Ties with the others were not computed." in says(rows)
    assert "Cheapest" not in says(rows)


def test_without_intervals_there_is_no_cheapest():
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
    assert "+.017 [+.002, +.038], more than the noise." in says([*runs(), sure])
    assert "-.020 [-.004, -.001], **worse**, beyond the noise." in says([*runs(), worse])
    assert "+.017, of unknown certainty" in says([*runs(), unknown])


def test_a_test_score_of_few_images():
    bare = {"test_macro_f1_low": None, "test_macro_f1_high": None, "test_images": 10}
    rows = [*(row | bare for row in runs()), ensemble_row(runs()[:2], runs(), **bare)]
    assert "Test F1 .893; the best single run .871 (10 images, too few for an interval)." in says(rows)
