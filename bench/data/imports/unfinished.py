"""Where imports and fetches keep what is not finished, and the locks of those that are at it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.data.public import petals
from bench.environment import home
from bench.errors import UserError
from bench.files import size_of

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


@contextmanager
def exclusive_lock(path: Path, busy: str) -> Iterator[None]:
    """Holds the lock of a file, which the system releases when the process ends, even by SIGKILL.

    Raises:
        UserError: another process holds the lock; `busy` is the text of the error.
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


@dataclass(frozen=True)
class Unfinished:
    """Work that was begun. `locks`: files whose locks are held while somebody is at it."""

    path: Path
    locks: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return size_of(self.path)

    def remove(self) -> bool:
        """Whether it is gone; it stays while somebody is at it."""
        with ExitStack() as held:
            try:
                for lock in self.locks:
                    held.enter_context(exclusive_lock(lock, "in use"))
            except UserError:
                return False
            shutil.rmtree(self.path, ignore_errors=True)
        return not self.path.exists()


def unfinished() -> list[Unfinished]:
    """All of it, by path."""
    begun = [path for path in imports().glob("*") if path.is_dir()]
    found = [Unfinished(path, (fetch_lock(path.name), import_lock(path.name))) for path in begun]
    root = petals.places()[0]
    if (root / PETALS_WORK).is_dir():
        found.append(Unfinished(root / PETALS_WORK, (root / PETALS_LOCK,)))
    return sorted(found, key=lambda one: one.path)
