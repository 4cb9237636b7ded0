"""Files of a store that are not results: unfinished work, banks, records of failed attempts. The work of `clean`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from bench.files import size_of
from bench.store.store import Store


class Leftover(NamedTuple):
    """A file or folder that is not a result, its size in bytes, and the process that is using it; empty: none."""

    path: Path
    size: int
    owner: str = ""


def leftovers(store: Store) -> list[Leftover]:
    """All leftovers of a store, by folder and name."""
    folders = (store.partial, store.banks, store.failed)
    entries = [entry for folder in folders for entry in sorted(folder.glob("*"))]
    live = store.claims.live()
    return [Leftover(entry, size_of(entry), store.claims.owner(entry, live)) for entry in entries]


def remove_leftovers(store: Store) -> list[Leftover]:
    """Removes leftovers without an owner, and returns all: banks are computed again, failed runs tried again.

    Their folders stay: another process may be about to write into them.
    """
    if not store.root.is_dir():
        return []
    with store.claims.gate():
        found = leftovers(store)
        for leftover in found:
            if not leftover.owner:
                _remove(leftover.path)
    return found


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
