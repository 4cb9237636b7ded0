"""Claims: what a live process is working on in a store, so that others leave it alone.

A claim is a locked file in `.locks/` that names its owner and the files it covers. The system releases the lock when
the process and the child that inherited it have ended, even by SIGKILL: a dead owner blocks nothing.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from bench.files import lock

WAIT_SECONDS = 0.05  # between two attempts at a claim


class ClaimedError(Exception):
    """Another process holds the claim; the text names it."""


@dataclass(frozen=True)
class Claim:
    """The content of a claim. `covers`: how the covered paths begin, relative to the store, dots of names left out."""

    owner: str
    covers: Sequence[str]


class Claims:
    """The claims on the files of one store."""

    def __init__(self, root: Path) -> None:
        self._root, self._folder = root, root / ".locks"

    @contextmanager
    def take(self, name: str, *covers: str, wait: bool = False) -> Iterator[int]:
        """Holds a claim. Gives the descriptor that a child inherits to hold it too.

        Args:
            name: of the claim; a process at a time holds it.
            covers: see `Claim`.
            wait: whether to wait for the process that holds it.

        Raises:
            ClaimedError: another process holds it.
        """
        path, claim = self._folder / f"{name}.lock", Claim(f"process {os.getpid()} on {platform.node()}", covers)
        while (file := self._taken(path, claim)) is None:
            if not wait:
                raise ClaimedError(_read(path).owner)
            time.sleep(WAIT_SECONDS)
        try:
            yield file.fileno()
        finally:
            with self.gate(), file:
                path.unlink(missing_ok=True)

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Keeps other processes from taking or releasing claims: for moments."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "gate").open("a") as file:
            lock(file, wait=True)
            yield

    def live(self) -> list[Claim]:
        """Claims that a process holds. On a file system without locks all count as held."""
        found = []
        for path in sorted(self._folder.glob("*.lock")):
            claim = _read(path)
            if claim.covers and _is_held(path):
                found.append(claim)
        return found

    def owner(self, path: Path, live: Sequence[Claim]) -> str:
        """The process whose claim covers an entry of a folder of the store; empty if none does."""
        name = f"{path.parent.relative_to(self._root)}/{path.name.lstrip('.')}"
        return next((claim.owner for claim in live if name.startswith(tuple(claim.covers))), "")

    def _taken(self, path: Path, claim: Claim) -> IO[str] | None:
        """The locked file of a claim; None if another process holds it."""
        with self.gate():
            file = path.open("a", encoding="utf-8")
            if not lock(file):
                file.close()
                return None
            file.truncate(0)
            file.write(json.dumps(asdict(claim)))
            file.flush()
            return file


def _read(path: Path) -> Claim:
    try:
        return Claim(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # released meanwhile, or its owner was killed while it wrote
        return Claim("another process", ())


def _is_held(path: Path) -> bool:
    try:
        with path.open("r+") as file:  # NFS locks only files that are open for writing
            return not lock(file, without=False)
    except FileNotFoundError:
        return False
    except PermissionError:  # of another user
        return True
