"""`report`: the page of one data set, and the table inside another page."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers_store import save_run, three_runs

from bench.store.store import Store

MARKED = "before\n<!-- results -->\n<!-- /results -->\nafter\n"
PRICES = '[[price]]\ndevice = "cpu"\nusd_per_hour = 3.6\nsource = "a list"\ndate = 2026-11-01\n'


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    save_run(store, "one-32-frozen-s0-00000000", backbone="one", data="toy")
    save_run(store, "two-32-frozen-s0-00000000", backbone="two", data="pets")
    return store


def test_one_data_set_is_reported_and_its_table_embedded(store, call, tmp_path):
    (tmp_path / "page.md").write_text(MARKED)
    status, out, err = call("report", "--data", "pets", "--reports", "out", "--embed", "page.md")
    assert (status, err) == (0, "")
    assert out.startswith("**No two runs can be told apart**: 9 validation images of 4 classes are too few.")
    assert out.endswith("\n\nReport: out/summary.md\n")
    assert pd.read_csv(tmp_path / "out" / "results.csv")["run_id"].tolist() == ["two-32-frozen-s0-00000000"]
    text = (tmp_path / "page.md").read_text()
    assert "| two@32" in text
    assert "one@32" not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")


def test_a_page_that_cannot_be_embedded_into_costs_no_report(store, call, tmp_path):
    status, out, err = call("report", "--data", "toy", "--embed", "none.md")
    assert (status, out) == (2, "")
    assert err == "petalbench: Cannot read 'none.md': No such file or directory.\n"
    assert (tmp_path / "reports" / "summary.md").is_file()


@pytest.mark.parametrize(("name", "words"), [("prices.toml", ()), ("mine.toml", ("--prices", "mine.toml"))])
def test_prices_of_the_folder_or_of_the_command_line(store, call, tmp_path, name, words):
    """Ten seconds at 3.6 dollars an hour are a cent."""
    (tmp_path / name).write_text(PRICES)
    assert call("report", "--data", "toy", *words)[0] == 0
    assert pd.read_csv(tmp_path / "reports" / "results.csv")["cost_usd"].tolist() == pytest.approx([0.01])


def test_the_answer_is_printed_and_then_the_page(call, tmp_path):
    three_runs(tmp_path / "runs", val=200)
    status, out, err = call("report")
    assert (status, err) == (0, "")
    header, rule, *lines = out.split("\n\n")[0].splitlines()
    assert all(line.startswith("|") for line in (header, rule, *lines))
    assert [cell.strip() for cell in lines[0].split("|")[1:3]] == ["best run", "vgg16@224"]
    assert "\n".join((header, rule, *lines)) in (tmp_path / "reports" / "summary.md").read_text()
    assert out.endswith("\n\nReport: reports/summary.md\n")
