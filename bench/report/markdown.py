"""Markdown that survives hostile names: escaping, tables, fences. No other module of the report escapes."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

# Only characters that act as markup: an underscore between letters is a letter, a bracket without a link a bracket.
_SPECIAL = re.compile(r"[\\`*<|~$]|\](?=\()|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
_MARKUP_AT_START = re.compile(r"(?<=\S) (?=[-+#>=]|\d+[.)])")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def escape(text: object) -> str:
    """`text` on one line, displayed verbatim, inside and outside of tables."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(_plain(str(text)).split()))


def fence(text: str) -> str:
    """`text` as a code block whose fence is longer than any row of backticks inside."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}\n{_plain(text).strip(chr(10))}\n{ticks}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str] = ()) -> str:
    """A padded table, cells escaped, numbers to the right, the columns named in `left` to the left.

    tabulate would pad every header by two: thirty columns of a terminal in the results table.
    """
    lines = [[escape(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(3, *map(_width, cells)) for cells in zip(*lines, strict=True)]
    lefts = [header in left for header in headers]
    rule = [
        ":" + "-" * (width - 1) if is_left else "-" * (width - 1) + ":"
        for width, is_left in zip(widths, lefts, strict=True)
    ]
    padded = [[_pad(*cell) for cell in zip(line, widths, lefts, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:]))


def columns_table(columns: Mapping[str, Sequence[str]], left: Sequence[str] = ()) -> str:
    """A table of columns by header; see `table`."""
    return table(list(columns), list(zip(*columns.values(), strict=True)), left)


def bullets(lines: Sequence[str]) -> str:
    """The lines as a list, one a line."""
    return "\n".join(f"- {line}" for line in lines)


def page(opening: Iterable[str], sections: Mapping[str, Iterable[str]]) -> str:
    """A wrapped page: the opening, then every section that is not empty under its title. Empty blocks are dropped."""
    parts = [block for block in opening if block]
    for title, blocks in sections.items():
        parts += titled(f"## {title}", blocks)
    return wrap("\n\n".join(parts)) + "\n"


def titled(title: str, blocks: Iterable[str]) -> list[str]:
    """The title and the blocks that are not empty; nothing if all are."""
    body = [block for block in blocks if block]
    return [title, *body] if body else []


def wrap(text: str, width: int = 116) -> str:
    """Break lines of prose between words, for readers of the source in a terminal; no other line changes."""
    lines, closing = [], ""
    for line in text.splitlines():
        if closing or line.startswith("```"):
            closing = "" if line == closing else closing or line
            lines.append(line)
        else:
            lines.append(line if line.startswith(("|", "#", "!")) else _wrapped(line, width))
    return "\n".join(lines)


def _wrapped(line: str, width: int) -> str:
    """One paragraph, bullet or quoted line; no new line begins with the markup of a list, a title or a quote."""
    indent = {"- ": "  ", "> ": "> "}.get(line[:2], "")
    glued = _MARKUP_AT_START.sub("\0", line)
    broken = textwrap.wrap(glued, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(broken).replace("\0", " ")


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", _ANSI.sub("", text.replace("\r", "\n")))


def _pad(text: str, width: int, is_left: bool) -> str:
    gap = " " * (width - _width(text))
    return text + gap if is_left else gap + text


def _width(text: str) -> int:
    """Columns of a terminal: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
