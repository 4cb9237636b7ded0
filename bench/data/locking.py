"""One process at a time at a piece of work that would mix with itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import UserError


@contextmanager
def alone(path: Path, busy: str) -> Iterator[None]:
    """Holds the lock that a file stands for. The system lets go of it when its holder dies, however that happens.

    Raises:
        UserError: somebody else holds it; its text is `busy`.
    """
    lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        raise UserError(busy) from None
    try:
        yield
    finally:
        with suppress(sqlite3.Error):
            lock.rollback()
        lock.close()
