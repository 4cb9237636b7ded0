"""A figure's inputs as a short text inside the figure, so that one which would come out the same is not drawn again."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

KEY = "Inputs"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def stamp(subject: object) -> str:
    """A digest of what a figure shows, of the code that draws it and of matplotlib's version.

    Args:
        subject: frames, numbers and texts, alone or in mappings and sequences.
    """
    return hashlib.sha256(f"{_drawing_code()} {_plain(subject)!r}".encode()).hexdigest()[:32]


def bears(path: Path, text: str) -> bool:
    """Whether the figure at `path` is whole and carries this stamp."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return content.endswith(_END) and f"{KEY}\0{text}".encode() in _texts(content)


def _plain(subject: object) -> Any:
    if isinstance(subject, pd.DataFrame):
        return {name: values.tolist() for name, values in subject.items()}
    if isinstance(subject, Mapping):
        return [(name, _plain(value)) for name, value in subject.items()]
    if isinstance(subject, (list, tuple)):
        return [_plain(value) for value in subject]
    return subject


@cache
def _drawing_code() -> str:
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    return f"{code.hexdigest()} matplotlib {version('matplotlib')}"


def _texts(content: bytes) -> Iterator[bytes]:
    """The tEXt chunks of a PNG, which stand before its pixels."""
    place = len(_SIGNATURE)
    while content.startswith(_SIGNATURE) and place + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        if kind == b"IDAT":
            return
        if kind == b"tEXt":
            yield content[place + 8 : place + 8 + length]
        place += length + 12
