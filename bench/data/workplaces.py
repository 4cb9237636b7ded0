"""Where imports and fetches keep what is not finished, and the locks of those that are at it."""

from __future__ import annotations

from pathlib import Path

from bench.environment import home

PETALS_WORK = ".fetching"  # inside the data set's folder: what is renamed has to be on the same disk
PETALS_LOCK = ".fetching.lock"


def imports() -> Path:
    """The folder of all imports."""
    return home() / "imports"


def import_lock(name: str) -> Path:
    """Held while pictures are imported into `name`, whose work is in `imports() / name`."""
    return imports() / f"{name}.lock"


def fetch_lock(name: str) -> Path:
    """Held while the pictures of `name` are fetched, which ends in an import of them."""
    return imports() / f"{name}.fetch.lock"
