"""Names that look like markup must be read as they are written."""

from __future__ import annotations

import re

import pytest

from bench.report.markdown import escape, fence, table


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("vgg16@512", "vgg16@512"),
        ("my_model_v2", "my_model_v2"),
        ("_private_", r"\_private\_"),
        ("a|b", r"a\|b"),
        ("`rm`", r"\`rm\`"),
        ("*bold*", r"\*bold\*"),
        ("<script>", r"\<script>"),
        ("two\nlines\ttab", "two lines tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        (r"back\slash", r"back\\slash"),
        ("[a](http://b)", r"[a\](http://b)"),
        (".812 [.74, .87]", ".812 [.74, .87]"),
        ("R&D &lt;", r"R&D \&lt;"),
        ("~~gone~~ $x$", r"\~\~gone\~\~ \$x\$"),
    ],
)
def test_escape(text, escaped):
    assert escape(text) == escaped


def test_table_pads_and_aligns():
    assert table(["run", "s"], [["a|b", "1.5"], ["c", "12.0"]], left=["run"]) == "\n".join(
        [
            r"| run  |    s |",
            r"| :--- | ---: |",
            r"| a\|b |  1.5 |",
            r"| c    | 12.0 |",
        ]
    )


def test_table_keeps_its_number_of_cells_whatever_the_names():
    text = table(["run", "n"], [["a|b|c\nd", "|"]])
    assert [len(re.split(r"(?<!\\)\|", line)) for line in text.splitlines()] == [4, 4, 4]


def test_wide_characters_count_as_two_columns():
    lines = table(["run"], [["花花"], ["abcd"]], left=["run"]).splitlines()
    assert lines[2] == "| 花花 |"
    assert lines[3] == "| abcd |"


def test_fence_is_longer_than_any_in_the_text():
    assert fence("a\n```\nb") == "````\na\n```\nb\n````"


def test_fence_drops_terminal_codes():
    assert fence("\x1b[1mloss\x1b[0m\r\n") == "```\nloss\n```"
