"""Small texts derived from data, kept under `home()/cache` so that they are computed once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.environment import home
from bench.errors import UserError


def read(kind: str, key: str) -> str | None:
    """The text kept under this key, or None."""
    try:
        return _path(kind, key).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def write(kind: str, key: str, text: str) -> None:
    """Keep a text. A reader sees the old text or the new one, never a part.

    Raises:
        UserError: the folder cannot be written.
    """
    path = _path(kind, key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise not_writable(path.parent, error) from error


def not_writable(folder: Path, error: Exception) -> UserError:
    """The error for a folder of `home()` that does not take a file."""
    return UserError(
        f"Cannot write in '{folder}': {getattr(error, 'strerror', None) or error}. "
        "Free some space, or set PETALBENCH_HOME to a folder that can be written."
    )


def _path(kind: str, key: str) -> Path:
    return home() / "cache" / kind / f"{key}.json"


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
