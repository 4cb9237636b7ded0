"""What interrupted imports and fetches keep so that the same command goes on from there."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.data import petals
from bench.data.locking import alone
from bench.data.workplaces import PETALS_LOCK, PETALS_WORK, fetch_lock, import_lock, imports
from bench.errors import UserError
from bench.files import size_of


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
                    held.enter_context(alone(lock, "in use"))
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
