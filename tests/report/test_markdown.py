"""Names that look like markup must be read as they are written."""

from __future__ import annotations

import re

import pytest

from bench.report.markdown import bullets, columns_table, escape, fence, page, table, titled, wrap


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


def test_prose_is_wrapped_between_words_and_bullets_hang():
    text = wrap(bullets(["one two three four", "five"]), width=12)
    assert text == "- one two\n  three four\n- five"
    assert wrap("> one two three", width=10) == "> one two\n> three"


def test_tables_titles_pictures_and_code_are_not_wrapped():
    table_line, picture = "| a | " + "b " * 80 + "|", "![" + "c " * 80 + "](d)"
    code = fence("e " * 80 + "\n```\n" + "f " * 80)
    text = "\n\n".join([table_line, picture, code, "# " + "g " * 80])
    assert wrap(text) == text


@pytest.mark.parametrize("token", ["#", "-", "+", "1.", "12)", ">", "==="])
def test_a_wrapped_line_never_begins_with_markup(token):
    for width in range(8, 30):
        lines = wrap(f"some words {token} and other words", width).splitlines()
        assert not any(line.split()[0] == token for line in lines)


HOSTILE = [
    "two\nlines",
    "quo\"ted 'name'",
    "slash/es\\and|pipes",
    "`code` **bold** _em_ ~~gone~~",
    "<script>alert(1)</script>",
    "[link](http://somewhere)",
    "![picture](x.png)",
    "&lt; &#35; $x$",
    "# title",
    "a\u2028b\x85c",
    "百合 Гвоздика",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_parser_reads_the_name_in_a_table_as_written(name):
    """Another reader of markdown as reference: the cell holds the name as text, on one line, and nothing else."""
    from markdown_it import MarkdownIt

    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(table(["name", "n"], [[name, "1"]]))
    cells = [token.children for token in parsed if token.type == "inline"]
    assert len(cells) == 4
    assert {child.type for child in cells[2]} <= {"text", "text_special"}
    assert "".join(child.content for child in cells[2]).replace("\\$", "$") == " ".join(name.split())


def test_empty_blocks_and_sections_are_dropped():
    assert titled("### a", ["", "b"]) == ["### a", "b"]
    assert titled("### a", ["", ""]) == []
    assert page(["# t", ""], {"one": ["", "x"], "two": [], "three": [""]}) == "# t\n\n## one\n\nx\n"


def test_a_table_of_columns_is_that_of_its_rows():
    assert columns_table({"a": ["1", "2"], "b": ["3", "4"]}) == table(["a", "b"], [["1", "3"], ["2", "4"]])
