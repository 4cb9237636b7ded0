"""Folders of imports and fetches that are not finished, and the locks of those under way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.data.public import petals
from bench.environment import home
from bench.errors import UserError
from bench.files import lock, size_of

PETALS_WORK = ".fetching"  # inside the data set's folder, because a rename works within one disk only
PETALS_LOCK = ".fetching.lock"


@dataclass(frozen=True)
class Unfinished:
    """Work that was begun. `locks`: files whose locks are held while the work is under way."""

    path: Path
    locks: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return size_of(self.path)

    def remove(self) -> bool:
        """Removes the work unless it is under way. Returns whether it is gone."""
        with ExitStack() as held:
            try:
                for path in self.locks:
                    held.enter_context(exclusive_lock(path, "in use"))
            except (UserError, OSError):
                return False
            shutil.rmtree(self.path, ignore_errors=True)
        return not self.path.exists()


def unfinished() -> list[Unfinished]:
    """All unfinished imports and fetches, by path."""
    begun = [path for path in imports_folder().glob("*") if path.is_dir()]
    found = [Unfinished(path, (fetch_lock(path.name), import_lock(path.name))) for path in begun]
    root = petals.folders()[0]
    if (root / PETALS_WORK).is_dir():
        found.append(Unfinished(root / PETALS_WORK, (root / PETALS_LOCK,)))
    return sorted(found, key=lambda work: work.path)


def imports_folder() -> Path:
    """The folder of all imports under way, one folder for each name."""
    return home() / "imports"


def import_lock(name: str) -> Path:
    """Locked while pictures are imported into `name`."""
    return imports_folder() / f"{name}.lock"


def fetch_lock(name: str) -> Path:
    """Locked while the pictures of `name` are fetched and then imported."""
    return imports_folder() / f"{name}.fetch.lock"


@contextmanager
def exclusive_lock(path: Path, busy: str) -> Iterator[None]:
    """Holds the lock of a file, which the system releases when the process ends, even by SIGKILL.

    Raises:
        UserError: another process holds the lock; `busy` is the text of the error.
    """
    with path.open("a") as file:
        if not lock(file):
            raise UserError(busy)
        yield
