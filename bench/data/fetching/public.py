"""What `bench data fetch tf_flowers` and the like do: have the pictures written as files, then import them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from bench.asking import ask_counting
from bench.data.cache import not_writable
from bench.data.catalog import find
from bench.data.fetching.sources import Written
from bench.data.importing.importing import Outcome, Request, carry_out, origin_of
from bench.data.locking import alone
from bench.data.workplaces import fetch_lock, imports
from bench.environment import home
from bench.errors import UserError
from bench.jobs import PublicJob


def fetch_public(name: str, resolutions: Sequence[int]) -> tuple[Request, Outcome] | None:
    """Fetches and imports; None where it is there already.

    Raises:
        UserError: a data set of the user's own has that name, or whatever stops the download or the import.
    """
    there = _there(name)
    if there.issuperset(resolutions):
        return None
    work = imports() / name
    try:
        work.mkdir(parents=True, exist_ok=True)
        with alone(fetch_lock(name), f"Another fetch of {name} is under way. Wait for it."):
            folder = work / "fetched"
            written = Written.load(folder) or _ask(name, folder, work / "fetch.log")
            sides = tuple(sorted(there.union(resolutions)))
            request = Request(
                Written.table(folder),
                name,
                resolutions=sides,
                force=bool(there),
                classes=written.classes,
                origin=written.origin,
            )
            return request, carry_out(request)
    except (OSError, sqlite3.Error) as error:
        raise not_writable(work, error) from error


def _there(name: str) -> frozenset[int]:
    """Resolutions of an earlier fetch."""
    if not (home() / "data" / name).exists():
        return frozenset()
    if not origin_of(name):
        raise UserError(f"The data set '{name}' in '{home() / 'data'}' was not fetched. Rename its folder, then fetch.")
    return frozenset(find(name).resolutions)


def _ask(name: str, folder: Path, log: Path) -> Written:
    folder.mkdir(exist_ok=True)
    ask_counting(PublicJob(name=name, folder=str(folder)), log)
    written = Written.load(folder)
    assert written is not None, "the child ended well without saying what it wrote"
    return written
