"""A digest of a figure's inputs as a text inside the PNG, so that an unchanged figure is not drawn again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

KEY = "Inputs"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def stamp(subject: object) -> str:
    """A digest of a figure's subject, of the drawing code and of matplotlib's version.

    Args:
        subject: frames, numbers and texts, alone or in mappings and sequences.
    """
    return hashlib.sha256(f"{_drawing_code()} {_plain(subject)!r}".encode()).hexdigest()[:32]


def has_stamp(path: Path, text: str) -> bool:
    """Whether the figure at `path` is complete and has this stamp. Its pixels are not decoded."""
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content), formats=["PNG"]) as image:
            return bool(image.info.get(KEY) == text) and content.endswith(_END)
    except (OSError, SyntaxError):
        return False


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
