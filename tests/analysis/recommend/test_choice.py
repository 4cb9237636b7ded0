import math

import numpy as np
import pytest
from helpers_recommend import option

from bench.analysis.recommend.choice import Budget, choose
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


def test_no_limit_fits_everything():
    assert Budget().objections(option(usd=math.nan)) == ()
    assert str(Budget()) == "no limit"


@pytest.mark.parametrize(
    ("limits", "changes", "text"),
    [
        ({"max_usd": 1.5}, {}, "training 2 > 1.5 USD"),
        ({"max_train_hours": 0.5}, {}, "training 1 > 0.5 device-hours"),
        ({"max_ms_per_image": 5}, {}, "inference 10 > 5 ms per image"),
        ({"min_f1": 0.9}, {}, "macro F1 0.800 < 0.9"),
        ({"max_usd": 1.5}, {"usd": math.nan}, "not known in USD (no price for a device, see --prices)"),
        ({"max_ms_per_image": 50}, {"ms_per_image": math.nan}, "not measured"),
        ({"max_ms_per_image": 50}, {"same_device": False, "device": "gpu"}, "measured on another device, gpu"),
    ],
)
def test_an_option_that_does_not_fit_has_its_reason(limits, changes, text):
    (reason,) = Budget(**limits).objections(option(**changes))
    assert text in reason


def test_limits_are_inclusive():
    budget = Budget(max_usd=2.0, max_train_hours=1.0, max_ms_per_image=10.0, min_f1=0.8)
    assert budget.objections(option()) == ()
    assert budget.excess(option()) == 1.0


def test_dollars_compare_devices_and_seconds_do_not():
    other = option(same_device=False)
    assert Budget(max_usd=3).objections(other) == ()
    assert len(Budget(max_train_hours=3).objections(other)) == 1


def test_excess_is_that_of_the_worst_limit():
    assert Budget(max_usd=1.0, max_ms_per_image=2.0).excess(option()) == 5.0
    assert Budget(min_f1=0.9).excess(option(score=0.6)) == pytest.approx(1.5)
    assert Budget(max_usd=1.0).excess(option(usd=math.nan)) == math.inf


def test_zero_limits_and_costs():
    assert Budget(max_usd=0.0).excess(option(usd=0.0)) == 0.0
    assert Budget(max_usd=0.0).excess(option()) == math.inf
    assert Budget(min_f1=0.5).excess(option(score=0.0)) == math.inf
