import math

import pytest
from helpers_recommend import option

from bench.analysis.recommend.budget import Budget


def test_no_limit_fits_everything():
    assert Budget().objections(option(usd=math.nan)) == ()
    assert str(Budget()) == "no limit"


@pytest.mark.parametrize(
    ("limits", "changes", "said"),
    [
        ({"max_usd": 1.5}, {}, "training 2 > 1.5 USD"),
        ({"max_train_hours": 0.5}, {}, "training 1 > 0.5 device-hours"),
        ({"max_ms_per_image": 5}, {}, "inference 10 > 5 ms per image"),
        ({"min_f1": 0.9}, {}, "macro F1 0.800 < 0.9"),
        ({"max_usd": 1.5}, {"usd": math.nan}, "not known in USD (no price for a device, see --prices)"),
        ({"max_ms_per_image": 50}, {"ms_per_image": math.nan}, "nobody measured it"),
        ({"max_ms_per_image": 50}, {"same_device": False, "device": "gpu"}, "measured on another device, gpu"),
    ],
)
def test_what_does_not_fit_says_why(limits, changes, said):
    (reason,) = Budget(**limits).objections(option(**changes))
    assert said in reason


def test_limits_include_what_they_name():
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


def test_nothing_at_all():
    assert Budget(max_usd=0.0).excess(option(usd=0.0)) == 0.0
    assert Budget(max_usd=0.0).excess(option()) == math.inf
    assert Budget(min_f1=0.5).excess(option(score=0.0)) == math.inf
