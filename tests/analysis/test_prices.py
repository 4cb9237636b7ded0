import datetime
from pathlib import Path

import pytest

from bench.analysis.prices import load_prices
from bench.errors import UserError

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
    said = load(ENTRY + GENERAL).described({"NVIDIA H100", "cpu"})
    assert said == "NVIDIA H100 3 USD an hour ('NVIDIA H100*', before 'nvidia*'; a list, 2026-11-01)"


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
    ("text", "said"),
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
def test_a_bad_file_is_one_line(load, text, said):
    with pytest.raises(UserError, match=said) as found:
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
