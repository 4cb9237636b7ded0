"""Names that nobody here chose, on one line."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath


def one_line(name: str | PurePath) -> str:
    """A name as it may stand in a line of text: control characters and bytes that are no UTF-8 are written out."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def class_name(name: str) -> str:
    """A class name as `classes.txt` can hold it: composed (NFC), one line, single spaces."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    spaced = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", text))
    return " ".join(spaced.split())


def listed(names: Sequence[str], most: int = 10) -> str:
    """`a, b, c`, with the number of those that are not shown."""
    rest = [f"and {len(names) - most:,} more"] * (len(names) > most)
    return ", ".join([*names[:most], *rest])
