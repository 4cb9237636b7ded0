import dataclasses
import math

import numpy as np
import pytest
from helpers_recommend import option, predicting

from bench.analysis.recommend.choice import DOLLARS, HOURS, INFERENCE, TRAINING, Budget, choose
from bench.analysis.recommend.wording import nothing_fits
from bench.ensemble_runs.ties import RESAMPLES, Marks
from bench.store.store import Store
from ensembles.multiplicity import holm
from ensembles.uncertainty import paired_difference

LABELS = np.arange(200) % 4


def erring(label, wrong, start=0, **changes):
    """An option that errs on so many images."""
    predicted = LABELS.copy()
    predicted[start : start + wrong] = (predicted[start : start + wrong] + 1) % 4
    return predicting(label, predicted[None], LABELS, 4, **changes)


@pytest.fixture
def chosen(tmp_path):
    def of(options, budget=None, labels=LABELS):
        ordered = sorted(options, key=lambda one: -one.score)
        return choose(ordered, budget or Budget(), labels, 4, Marks(Store(tmp_path)))

    return of


def test_the_cheapest_that_cannot_be_told_apart_from_the_best_that_fits(chosen):
    options = [
        erring("poor", 60, ms_per_image=1.0),
        erring("twin", 21, ms_per_image=2.0),
        erring("best", 20, ms_per_image=5.0),
        erring("dear", 0, ms_per_image=99.0),
    ]
    choice = chosen(options, Budget(max_ms_per_image=50))
    assert (choice.taken.label, choice.contest.best.label) == ("twin", "best")
    assert [one.label for one in choice.contest.tied] == ["twin"]
    assert [(one.option.label, one.compared.tied) for one in choice.contest.others] == [("twin", True), ("poor", False)]
    assert choice.out == {"dear": ("inference 99 > 50 ms per image",)}


@pytest.mark.parametrize(
    ("budget", "measure", "label"),
    [
        (Budget(), TRAINING, "short"),
        (Budget(min_f1=0.1), TRAINING, "short"),
        (Budget(max_train_hours=50), HOURS, "one device"),
        (Budget(max_usd=50), DOLLARS, "low price"),
        (Budget(max_ms_per_image=50), INFERENCE, "light"),
        (Budget(max_usd=50, max_train_hours=50), DOLLARS, "low price"),
        (Budget(max_ms_per_image=50, max_usd=50), INFERENCE, "light"),
    ],
)
def test_cheapest_is_by_the_cost_that_is_limited(chosen, budget, measure, label):
    options = [
        erring("short", 20, train_seconds=1.0),
        erring("one device", 20, train_device_hours=0.1),
        erring("low price", 20, usd=0.1),
        erring("light", 20, ms_per_image=0.1),
    ]
    choice = chosen(options, budget)
    assert (choice.measure, choice.taken.label) == (measure, label)


def test_seconds_of_another_device_are_never_the_cheapest_but_dollars_may_be(chosen):
    options = [erring("gpu", 20, same_device=False, train_seconds=0.1, usd=0.1), erring("cpu", 21)]
    assert chosen(options).taken.label == "cpu"
    assert chosen(options, Budget(max_usd=5)).taken.label == "gpu"
    unknown = [erring("gpu", 20, same_device=False), erring("stated", 21, train_seconds=None)]
    assert chosen(unknown).taken.label == "gpu"  # no cost to go by: the best by score


def test_differences_are_corrected_for_the_options_that_fit(chosen):
    """By the reference: p-values and levels of Holm over the options within the budget, and no others."""
    fitting = [erring("best", 0), *(erring(f"net{wrong}", wrong, start=wrong) for wrong in (3, 6, 9, 40))]
    out = [erring(f"out{number}", 50 + number, ms_per_image=99.0) for number in range(9)]
    choice = chosen([*fitting, *out], Budget(max_ms_per_image=50))
    best, *others = (one.contestant.predicted() for one in fitting)
    found = [paired_difference(LABELS, best, other, 4, resamples=RESAMPLES) for other in others]
    p_values, levels = holm([one.p_value for one in found])
    assert len(choice.contest.others) == 4
    for other, one, p_value, level in zip(choice.contest.others, found, p_values, levels, strict=True):
        compared = other.compared
        assert compared.comparisons == 4
        assert (compared.low, compared.high) == pytest.approx(one.bounds(level))
        assert compared.p_value == pytest.approx(p_value)
        assert compared.difference == pytest.approx(1 - other.option.score)


def test_an_option_is_tied_among_many_and_apart_among_few(chosen):
    """The same pair: the interval is wider if nine others are compared too."""
    best, close = erring("best", 0), erring("close", 6)
    others = [erring(f"net{number}", 6, start=10 * number) for number in range(1, 10)]
    assert chosen([best, close]).contest.tied == []
    assert close in chosen([best, close, *others]).contest.tied


def test_single_runs_are_also_compared_by_themselves(chosen):
    options = [erring("mix", 0, kind="ensemble"), erring("a", 20), erring("b", 21), erring("c", 90)]
    choice = chosen(options)
    assert choice.contest.best.label == "mix"
    assert choice.singles.best.label == "a"
    assert [one.label for one in choice.singles.tied] == ["b"]
    assert {one.compared.comparisons for one in choice.singles.others} == {2}
    assert chosen(options[:1]).singles is None


def test_too_few_images_tell_nothing_apart_and_the_best_by_score_is_taken(chosen):
    labels = LABELS[:20]
    options = [
        predicting("a", labels[None], labels, 4, train_seconds=9.0),
        predicting("b", (labels[None] + 1) % 4, labels, 4, train_seconds=1.0),
    ]
    choice = chosen(options, labels=labels)
    assert [one.label for one in choice.contest.tied] == ["b"]
    assert choice.taken.label == "a"


def test_an_option_that_cannot_be_used_is_out_whatever_it_costs(chosen):
    old = dataclasses.replace(erring("old", 0, kind="ensemble"), contestant=None, unusable="kept nothing")
    choice = chosen([old, erring("a", 20)])
    assert choice.taken.label == "a"
    assert choice.out == {"old": ("kept nothing",)}
    assert chosen([old]).nearest is None


def test_nothing_fits_and_the_nearest_is_named(chosen):
    options = [erring("a", 20, ms_per_image=30.0), erring("b", 60, ms_per_image=12.0)]
    budget = Budget(max_ms_per_image=10)
    choice = chosen(options, budget)
    assert choice.taken is None
    line = nothing_fits(choice, budget)
    assert line.startswith("Nothing fits (at most 10 ms per image). Nearest: b (macro F1 0.7")
    assert line.endswith("inference 12 > 10 ms per image.")
    assert "\n" not in line


def test_nothing_fits_because_nothing_is_known(chosen):
    budget = Budget(max_usd=1)
    choice = chosen([option(usd=None), option("b", usd=None)], budget)
    assert choice.nearest is None
    assert nothing_fits(choice, budget).count("no price") == 1


def test_no_limit_fits_everything():
    assert Budget().objections(option(usd=None)) == ()
    assert str(Budget()) == "no limit"


@pytest.mark.parametrize(
    ("limits", "changes", "text"),
    [
        ({"max_usd": 1.5}, {}, "training 2 > 1.5 USD"),
        ({"max_train_hours": 0.5}, {}, "training 1 > 0.5 device-hours"),
        ({"max_ms_per_image": 5}, {}, "inference 10 > 5 ms per image"),
        ({"min_f1": 0.9}, {}, "macro F1 0.800 < 0.9"),
        ({"max_usd": 1.5}, {"usd": None}, "not known in USD (no price for a device, see --prices)"),
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
    assert Budget(max_usd=1.0).excess(option(usd=None)) == math.inf


def test_zero_limits_and_costs():
    assert Budget(max_usd=0.0).excess(option(usd=0.0)) == 0.0
    assert Budget(max_usd=0.0).excess(option()) == math.inf
    assert Budget(min_f1=0.5).excess(option(score=0.0)) == math.inf
