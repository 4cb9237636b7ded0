"""A published weights file: its name, its hash and where it comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

HASHES = {"md5": "MD5", "sha256": "SHA-256"}  # as hashlib calls them, and people


class WeightsError(ValueError):
    """Weights that cannot be had, or that are not those of the network. One line, naming the file and the network."""


@dataclass(frozen=True)
class WeightsFile:
    """A published file of ImageNet weights without the top.

    Attributes:
        name: file name in the folder in which Keras keeps weights.
        digest: hexadecimal MD5 or SHA-256 of the right file, told apart by their length; None where none is published.
        url: where Keras downloads it from.
    """

    name: str
    digest: str | None
    url: str

    @property
    def algorithm(self) -> str:
        """How `digest` was made, as `hashlib` calls it."""
        return "sha256" if self.digest and len(self.digest) == 64 else "md5"

    @property
    def hash(self) -> str:
        """The digest with its kind, for people."""
        return f"{HASHES[self.algorithm]} {self.digest}" if self.digest else "no hash is published"

    @property
    def host(self) -> str:
        """Who has it; empty where it cannot be downloaded."""
        return urlsplit(self.url).netloc

    def place(self, models: Path) -> Path:
        """Where the file is looked for, given the folder in which Keras keeps weights."""
        return models / self.name

    def remedy(self, models: Path) -> str:
        """What to do where the file is not to be had: the rest of a sentence that began by saying so."""
        source = f", from {self.url}" if self.url else ""
        return f"Put {self.name} ({self.hash}{source}) into {models}"

    def given(self, models: Path) -> str | Path:
        """What `Backbone.build` is given for these weights."""
        return "imagenet"

    def is_at(self, path: Path) -> bool:
        """Whether `path` is this file: it exists and has the right hash, where one is published."""
        if not path.is_file():
            return False
        if self.digest is None:
            return True
        status = path.stat()
        return _digest(path, self.algorithm, status.st_size, status.st_mtime_ns) == self.digest


@cache
def _digest(path: Path, algorithm: str, size: int, mtime_ns: int) -> str:
    """Of the content, read once in a process for each size and time of change: a command asks more than once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
