"""Output that commands share."""

import json

import pytest
import typer

from bench.commands.output import interruptible, print_result, table

ROWS = [{"run": "a", "images": 12345, "macro F1": 0.123456}]


def test_a_table_has_four_digits_and_says_if_it_is_empty():
    header, _, row = table(ROWS).splitlines()
    assert header.split("  ")[0] == "run"
    assert row.split() == ["a", "12,345", "0.1235"]
    assert table([]) == "none"


def test_a_result_is_printed_as_json_or_as_text(capsys):
    print_result(ROWS, True, table)
    assert json.loads(capsys.readouterr().out) == ROWS
    print_result(ROWS, False, lambda rows: f"{len(rows)} row")
    assert capsys.readouterr().out == "1 row\n"


def test_an_interruption_ends_with_130_and_names_what_is_kept(capsys):
    with pytest.raises(typer.Exit) as ended, interruptible("Files are kept."):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "Interrupted. Files are kept.\n"


def test_other_exits_pass():
    with pytest.raises(typer.Exit) as ended, interruptible():
        raise typer.Exit(1)
    assert ended.value.exit_code == 1
