"""Prepared pictures on their way into shards: an SQLite file, which survives an interruption whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.data.imports.pictures import Prepared

_TABLES = """
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, digest TEXT);
CREATE TABLE IF NOT EXISTS pictures (digest TEXT, form TEXT, px INTEGER, jpeg BLOB, PRIMARY KEY (digest, form, px));
CREATE TABLE IF NOT EXISTS plan (split TEXT, id TEXT, label INTEGER, digest TEXT, PRIMARY KEY (split, id));
"""


class Planned(NamedTuple):
    """A record to be: label is `NO_CLASS` where it has none."""

    split: str
    id: str
    label: int
    digest: str


class Spool:
    """The file. Everything that is put in is there again after a crash, once `keep` was called.

    Args:
        path: of the file, made if it is not there.
        form: how pictures are prepared; those of another form are others.
    """

    def __init__(self, path: Path, form: str) -> None:
        self._form = form
        self._base = sqlite3.connect(path, isolation_level="DEFERRED")
        self._base.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_TABLES}")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def known(self, path: str, resolutions: Sequence[int]) -> str | None:
        """The digest of a file that has not changed since its pictures were put in, or None."""
        status = os.stat(path)
        row = self._base.execute(
            "SELECT digest FROM files WHERE path = ? AND size = ? AND mtime_ns = ?",
            (os.fsencode(os.path.abspath(path)), status.st_size, status.st_mtime_ns),
        ).fetchone()
        return row[0] if row and all(self._has(row[0], px) for px in resolutions) else None

    def put(self, prepared: Prepared) -> None:
        """A file and its pictures."""
        path = os.fsencode(os.path.abspath(prepared.path))
        file = (path, prepared.size, prepared.mtime_ns, prepared.digest)
        self._base.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", file)
        rows = [(prepared.digest, self._form, px, jpeg) for px, jpeg in (prepared.jpegs or {}).items()]
        self._base.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)", rows)

    def plan(self, planned: Iterable[Planned]) -> None:
        """Which records there will be, instead of what was planned before."""
        self._base.execute("DELETE FROM plan")
        self._base.executemany("INSERT INTO plan VALUES (?, ?, ?, ?)", planned)
        self.keep()

    def planned(self, split: str) -> list[Planned]:
        """The records of a split, in order of their ids: that of their contents, so classes are mixed."""
        rows = self._base.execute("SELECT * FROM plan WHERE split = ? ORDER BY id", (split,))
        return [Planned(*row) for row in rows]

    def jpeg(self, digest: str, px: int) -> bytes:
        """A prepared picture."""
        query = "SELECT jpeg FROM pictures WHERE digest = ? AND form = ? AND px = ?"
        return bytes(self._base.execute(query, (digest, self._form, px)).fetchone()[0])

    def keep(self) -> None:
        """Commits."""
        self._base.commit()

    def _has(self, digest: str, px: int) -> bool:
        query = "SELECT 1 FROM pictures WHERE digest = ? AND form = ? AND px = ?"
        return self._base.execute(query, (digest, self._form, px)).fetchone() is not None
