"""Small texts derived from data, kept under `home()/cache` so that they are computed once."""

from __future__ import annotations

from pathlib import Path

from bench.environment import home
from bench.errors import UserError
from bench.files import write_text


def read(kind: str, key: str) -> str | None:
    """The text cached under this key, or None."""
    try:
        return _path(kind, key).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def write(kind: str, key: str, text: str) -> None:
    """Caches a text.

    Raises:
        UserError: the folder cannot be written.
    """
    path = _path(kind, key)
    try:
        write_text(path, text)
    except OSError as error:
        raise not_writable(path.parent, error) from error


def not_writable(folder: Path, error: Exception) -> UserError:
    """The error for a folder of `home()` that cannot be written."""
    return UserError(
        f"Cannot write in '{folder}': {getattr(error, 'strerror', None) or error}. "
        "Free some space, or set PETALBENCH_HOME to a folder that can be written."
    )


def _path(kind: str, key: str) -> Path:
    return home() / "cache" / kind / f"{key}.json"
