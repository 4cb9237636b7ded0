import pytest
from helpers_store import make_failure, make_result

from bench.analysis.prices import NO_PRICES, Price, Prices
from bench.analysis.rows import failure_row, recipe_label, report_rows, result_row
from bench.report.frame.inputs import COLUMNS
from bench.store.ensemble_result import Combination, Member


def ensemble(name, finished="2026-01-01T00:00:00+00:00", **changes):
    members = tuple(
        Member(run_id=run_id, weight=weight, val_digest="") for run_id, weight in (("a", 0.25), ("b", 0.75))
    )
    fields = {"method": "mean", "members": members, "candidates": ("a", "b"), "fit_score": 0.5, "cross_fitted": 0.5}
    combination = Combination(best_single="a", **(fields | changes))
    return make_result(name, kind="ensemble", combination=combination, finished=finished)


@pytest.fixture
def failure():
    return make_failure("x", lr_scale=3.0)


def test_every_field_of_a_row_is_a_column(failure):
    for row in report_rows([make_result("a"), ensemble("e")], [failure], {}, NO_PRICES):
        assert set(row) <= set(COLUMNS)


def test_members_are_values():
    row = result_row(ensemble("e", cross_fitted_low=0.4))
    assert row["members"] == (("a", 0.25), ("b", 0.75))
    assert row["macro_f1_cross_fitted_low"] == 0.4
    assert "members" not in result_row(make_result("a"))


@pytest.mark.parametrize(("scale", "label"), [(None, "frozen"), (1.0, "frozen"), (0.5, "frozen lr x0.5")])
def test_a_scaled_rate_is_part_of_the_recipe(scale, label):
    result = make_result("a", lr_scale=scale)
    assert recipe_label(result) == result_row(result)["recipe"] == label


def test_a_failure_keeps_its_kind_beside_that_of_the_row(failure):
    row = failure_row(failure)
    assert (row["kind"], row["status"], row["recipe"]) == ("run", "failed", "frozen lr x3")
    assert (row["failure_kind"], row["failure_reason"]) == ("oom", "no memory")
    assert not {"seconds", "log_tail", "when"} & set(row)


def test_ties_dollars_and_superseded_ensembles():
    """10 s of each candidate at 3.6 dollars an hour are a cent each."""
    prices = Prices(price=(Price(device="cpu", usd_per_hour=3.6, source="test", date="2026-01-01"),))
    results = [make_result("a"), make_result("b"), ensemble("new", "2026-01-02T00:00:00+00:00"), ensemble("old")]
    rows = report_rows(results, [], {"indistinguishable_from_best": {"a": True, "b": False}}, prices)
    assert [row["indistinguishable_from_best"] for row in rows] == [True, False, None, None]
    assert [row["superseded"] for row in rows] == [None, None, False, True]
    assert [row["cost_usd"] for row in rows] == pytest.approx([0.01, 0.01, 0.02, 0.02])
