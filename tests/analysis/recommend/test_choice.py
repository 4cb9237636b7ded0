import math

import numpy as np
from helpers_recommend import option

from bench.analysis.recommend.budget import Budget
from bench.analysis.recommend.choice import choose
from bench.analysis.recommend.wording import nothing_fits
from ensembles.metrics import macro_f1

LABELS = np.arange(200) % 4


def predicting(label, wrong, **changes):
    """An option that errs on the first so many images."""
    predicted = LABELS.copy()
    predicted[:wrong] = (predicted[:wrong] + 1) % 4
    score = macro_f1(LABELS, predicted, 4)
    return option(label, score, predicted=predicted[None], low=score - 0.05, high=min(score + 0.05, 1.0), **changes)


def test_the_best_that_fits_and_those_like_it():
    options = [predicting("poor", 60), predicting("twin", 21), predicting("best", 20), predicting("dear", 0, usd=9.0)]
    choice = choose(options, Budget(max_usd=5), LABELS, 4)
    assert choice.best.label == "best"
    assert [one.label for one in choice.tied] == ["twin"]
    assert [(one.option.label, one.tied) for one in choice.others] == [("twin", True), ("poor", False)]
    assert choice.out == {"dear": ("training 9 > 5 USD",)}


def test_the_difference_is_best_minus_other():
    choice = choose([predicting("poor", 60), predicting("best", 20)], Budget(), LABELS, 4)
    (other,) = choice.others
    assert 0 < other.low < 0.2 < other.high < 0.3  # 40 of 200 images more


def test_among_equals_the_cheaper():
    options = [predicting("a", 20, ms_per_image=9.0), predicting("b", 20, ms_per_image=3.0)]
    assert choose(options, Budget(), LABELS, 4).best.label == "b"


def test_too_few_images_tell_nothing_apart():
    options = [predicting("a", 0), predicting("b", 60)]
    few = [one.__class__(**{**vars(one), "predicted": one.predicted[:, :20]}) for one in options]
    assert [one.label for one in choose(few, Budget(), LABELS[:20], 4).tied] == ["b"]


def test_an_ensemble_that_kept_no_predictions_is_compared_unpaired():
    best = predicting("best", 0)
    apart, near = (option("old", score, low=score - 0.02, high=score + 0.02) for score in (0.5, 0.96))
    assert choose([best, apart], Budget(), LABELS, 4).tied == []
    assert choose([best, near], Budget(), LABELS, 4).tied == [near]


def test_nothing_fits_and_the_nearest_is_named():
    options = [predicting("a", 20, ms_per_image=30.0), predicting("b", 60, ms_per_image=12.0)]
    budget = Budget(max_ms_per_image=10)
    choice = choose(options, budget, LABELS, 4)
    assert choice.best is None
    line = nothing_fits(choice, budget)
    assert line.startswith("Nothing fits (at most 10 ms per image). Nearest: b (macro F1 0.7")
    assert line.endswith("inference 12 > 10 ms per image.")
    assert "\n" not in line


def test_nothing_fits_because_nothing_is_known():
    budget = Budget(max_usd=1)
    choice = choose([option(usd=math.nan), option("b", usd=math.nan)], budget, LABELS, 4)
    assert choice.nearest is None
    assert nothing_fits(choice, budget).count("no price") == 1
