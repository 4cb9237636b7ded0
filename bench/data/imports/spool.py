"""Prepared pictures on their way into TFRecord shards: an SQLite file, which survives an interruption whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bench.data.imports.pictures import Prepared
from bench.data.layout import SPLITS, folder_of
from bench.data.records import Record, write_shard
from bench.errors import UserError
from bench.jobs.messages import Emit, ShardsJob, Tell, counted

_SHARD_RECORDS = 800  # similar to Kaggle's; at 512 px some 60 MB, the most that is held in memory
_TABLES = """
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, digest TEXT);
CREATE TABLE IF NOT EXISTS pictures (digest TEXT, form TEXT, px INTEGER, jpeg BLOB, PRIMARY KEY (digest, form, px));
CREATE TABLE IF NOT EXISTS plan (split TEXT, id TEXT, label INTEGER, digest TEXT, PRIMARY KEY (split, id));
"""


class Planned(NamedTuple):
    """A record to write; label is `NO_CLASS` for a picture without a class."""

    split: str
    id: str
    label: int
    digest: str


class Spool:
    """The file. Everything that was put before `keep` is still there after a crash.

    Args:
        path: of the file, created if missing.
        form: how pictures are prepared; those of another form are not seen.
    """

    def __init__(self, path: Path, form: str) -> None:
        self._form = form
        self._base = sqlite3.connect(path, isolation_level="DEFERRED")
        self._base.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_TABLES}")

    def close(self) -> None:
        """Closes the file."""
        self._base.close()

    def known(self, path: str, resolutions: Sequence[int]) -> str | None:
        """The digest of a file that has not changed since its pictures were put; None also if it cannot be read."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        row = self._base.execute(
            "SELECT digest FROM files WHERE path = ? AND size = ? AND mtime_ns = ?",
            (os.fsencode(os.path.abspath(path)), status.st_size, status.st_mtime_ns),
        ).fetchone()
        return row[0] if row and all(self._has(row[0], px) for px in resolutions) else None

    def put(self, prepared: Prepared) -> None:
        """Stores a file and its pictures."""
        path = os.fsencode(os.path.abspath(prepared.path))
        file = (path, prepared.size, prepared.mtime_ns, prepared.digest)
        self._base.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", file)
        rows = [(prepared.digest, self._form, px, jpeg) for px, jpeg in (prepared.jpegs or {}).items()]
        self._base.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)", rows)

    def plan(self, planned: Iterable[Planned]) -> None:
        """Replaces the plan: the records to write."""
        self._base.execute("DELETE FROM plan")
        self._base.executemany("INSERT INTO plan VALUES (?, ?, ?, ?)", planned)
        self.keep()

    def planned(self, split: str) -> list[Planned]:
        """The records of a split, ordered by id: ids follow from contents, so classes are mixed."""
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


def handle(job: ShardsJob, emit: Emit, _: Path) -> None:
    """Handler for the shards of an import, its last step."""
    write_shards(job, counted(emit, "writing shards"))


def write_shards(job: ShardsJob, tell: Tell) -> None:
    """Writes `tfrecords-jpeg-{px}x{px}/SPLIT/NN-{px}x{px}-COUNT.tfrec` for every planned record.

    Raises:
        UserError: the folder cannot be written.
    """
    import tensorflow as tf

    try:
        with closing(Spool(Path(job.spool), job.form)) as spool:
            _write(spool, Path(job.folder), job.resolutions, tell)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
        raise UserError(f"Cannot write shards in '{job.folder}': {reason}. What was prepared is kept.") from error


def _write(spool: Spool, folder: Path, resolutions: Sequence[int], tell: Tell) -> None:
    planned = {split: spool.planned(split) for split in SPLITS}
    total, done = len(resolutions) * sum(map(len, planned.values())), 0
    for px in resolutions:
        for split, rows in planned.items():
            for number, part in enumerate(_shards(rows)):
                inside = folder / folder_of(px) / split
                inside.mkdir(parents=True, exist_ok=True)
                records = [Record(spool.jpeg(row.digest, px), row.label, row.id) for row in part]
                write_shard(inside, number, px, records)
                done += len(part)
                tell(done, total)


def _shards(rows: Sequence[Planned]) -> list[Sequence[Planned]]:
    count = -(-len(rows) // _SHARD_RECORDS)
    return [rows[number * len(rows) // count : (number + 1) * len(rows) // count] for number in range(count)]
