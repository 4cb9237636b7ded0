import datetime
from pathlib import Path

import pytest
from helpers_store import make_result

from bench.analysis.prices import Charge, Price, Prices, joint_charge, load_prices, training_charge
from bench.errors import UserError
from bench.store.ensemble_result import Combination, Member
from bench.store.result import Cost, Setup

ENTRY = """
[[price]]
device = "NVIDIA H100*"
usd_per_hour = 3.0
source = "a list"
date = 2026-11-01
"""
GENERAL = ENTRY.replace("NVIDIA H100*", "nvidia*").replace("3.0", "1")


@pytest.fixture
def load(tmp_path):
    def of(text):
        (tmp_path / "prices.toml").write_text(text)
        return load_prices(tmp_path / "prices.toml")

    return of


def test_a_pattern_matches_as_in_a_shell_whatever_the_case(load):
    prices = load(ENTRY)
    assert prices.of("nvidia h100 80GB HBM3").usd_per_hour == 3.0
    assert prices.of("NVIDIA L4") is None
    assert prices.of("an NVIDIA H100") is None
    assert prices.of("NVIDIA H100").date == datetime.date(2026, 11, 1)


def test_the_first_of_two_that_match_wins_and_the_other_is_named(load):
    assert load(ENTRY + GENERAL).of("NVIDIA H100").usd_per_hour == 3.0
    assert load(GENERAL + ENTRY).of("NVIDIA H100").usd_per_hour == 1.0
    message = load(ENTRY + GENERAL).described({"NVIDIA H100", "cpu"})
    assert message == "NVIDIA H100 3 USD an hour ('NVIDIA H100*', before 'nvidia*'; a list, 2026-11-01)"


def test_the_file_in_the_working_directory_else_none(load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_prices(None).price == ()
    load(ENTRY)
    assert len(load_prices(None).price) == 1


def test_the_example_that_is_shipped_is_valid():
    from bench.analysis import prices

    example = Path(prices.__file__).parent / "prices.example.toml"
    assert load_prices(example).of("Intel(R) Xeon(R) Processor (2 cores)").usd_per_hour > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[price", "are not TOML"),
        (ENTRY + 'colour = "red"', r"price\.0\.colour: Extra inputs"),
        (ENTRY.replace("price", "prices"), "unknown field 'prices'"),
        (ENTRY.replace("3.0", "-3.0"), r"usd_per_hour: .* greater than or equal to 0 \(got -3\.0\)"),
        (ENTRY.replace("3.0", "nan"), "usd_per_hour: .* finite"),
        (ENTRY.replace("3.0", '"dear"'), "usd_per_hour: .*number"),
        (ENTRY.replace("2026-11-01", '"last week"'), "date: .*date"),
        (ENTRY.replace("date = 2026-11-01", ""), "date: Field required"),
        (ENTRY.replace("H100*", "[H100"), "'\\[' without its '\\]'"),
        (ENTRY.replace('"NVIDIA H100*"', '""'), "device: .*at least 1"),
        (ENTRY + ENTRY, "'NVIDIA H100\\*' has two prices"),
    ],
)
def test_a_bad_file_is_one_line(load, text, message):
    with pytest.raises(UserError, match=message) as found:
        load(text)
    assert "\n" not in str(found.value)
    assert "prices.toml" in str(found.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="Cannot read the prices"):
        load_prices(tmp_path / "none.toml")


def test_brackets_that_are_closed_are_patterns(load):
    prices = load(ENTRY.replace("H100*", "[HA]100"))
    assert prices.of("NVIDIA A100")
    assert not prices.of("NVIDIA B100")


PRICES = Prices(
    price=tuple(
        Price(device=device, usd_per_hour=usd, source="test", date="2026-01-01")
        for device, usd in (("gpu", 3.6), ("cpu*", 0.36))
    )
)


UNKNOWN = Charge(None, None, None)


def run(name, device, seconds, replicas=1):
    setup = Setup(device=device, cores=1, replicas=replicas, code_revision="0")
    full = None if seconds is None else 9 * seconds  # start-up is never charged
    return make_result(name, cost=Cost(train_seconds_steady=seconds, train_seconds_full=full), setup=setup)


def ensemble(name, members, candidates=()):
    combination = Combination(
        method="mean",
        members=[Member(run_id=member, weight=1.0, val_digest="") for member in members],
        candidates=candidates or members,
        fit_score=0.5,
        cross_fitted=0.5,
        best_single=members[0],
    )
    return make_result(name, kind="ensemble", combination=combination)


@pytest.fixture
def known():
    runs = [run("a", "gpu", 100.0), run("b", "cpu (2 cores)", 1000.0), run("c", "gpu", 10.0, replicas=4)]
    runs += [run("d", "tpu", 1.0), run("e", "gpu", None)]
    return {one.run_id: one for one in runs}


def usd(result, known):
    return training_charge(result, known, PRICES).usd


def test_dollars_are_those_of_steady_seconds(known):
    assert usd(known["a"], known) == pytest.approx(0.1)  # 100 s of 3.6 an hour
    assert usd(known["c"], known) == pytest.approx(0.04)  # 10 s on four of them


def test_an_added_run_is_charged_the_seconds_that_were_stated():
    added = make_result("x", cost=Cost(train_seconds_full=100.0), added=True)
    assert training_charge(added, {}).seconds == 100.0


def test_no_price_or_no_seconds_no_dollars(known):
    assert usd(known["d"], known) is None
    assert training_charge(known["d"], known, PRICES).seconds == 1.0
    assert training_charge(known["a"], known) == Charge(100.0, 100 / 3600, None)
    assert training_charge(known["e"], known, PRICES) == UNKNOWN


def test_an_ensemble_is_charged_its_members_each_on_its_device(known):
    made = ensemble("x", ("a", "b"), candidates=("a", "b", "d"))
    charge = training_charge(made, known, PRICES)
    assert (charge.seconds, charge.usd) == (1100.0, pytest.approx(0.2))
    assert charge.device_hours == pytest.approx(1100 / 3600)
    assert usd(ensemble("x", ("a", "d")), known) is None


def test_a_search_is_charged_every_candidate_once(known):
    charge = joint_charge(["a", "b", "c", "a"], known, PRICES)
    assert (charge.seconds, charge.usd) == (1110.0, pytest.approx(0.24))
    assert charge.device_hours == pytest.approx(1140 / 3600)


@pytest.mark.parametrize("lost", ["gone", "e"])
def test_a_run_that_is_gone_or_was_not_timed_leaves_no_partial_sum(known, lost):
    assert training_charge(ensemble("x", ("a", lost)), known, PRICES) == UNKNOWN
    assert joint_charge(["a", lost], known, PRICES) == UNKNOWN
    assert usd(ensemble("x", ("a", "b"), candidates=("a", "b", lost)), known) == pytest.approx(0.2)


def test_an_ensemble_of_ensembles_trains_each_run_once(known):
    inner = {"x": ensemble("x", ("a", "b")), "y": ensemble("y", ("b", "c"))}
    charge = training_charge(ensemble("z", ("x", "y")), known | inner, PRICES)
    assert (charge.seconds, charge.usd) == (1110.0, pytest.approx(0.24))
    assert charge.device_hours == pytest.approx(1140 / 3600)
