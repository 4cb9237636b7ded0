"""A published weights file: its name, its hash and where it comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class WeightsError(ValueError):
    """Weights that cannot be had, or that are not those of the network. One line, naming the file and the network."""


@dataclass(frozen=True)
class WeightsFile:
    """A published file of ImageNet weights without the top.

    Attributes:
        name: file name in the folder in which Keras keeps weights.
        md5: hexadecimal digest of the right file.
        url: where Keras downloads it from.
    """

    name: str
    md5: str
    url: str

    @property
    def host(self) -> str:
        """Who has it; empty where it cannot be downloaded."""
        return urlsplit(self.url).netloc

    def place(self, models: Path) -> Path:
        """Where the file is looked for, given the folder in which Keras keeps weights."""
        return models / self.name

    def remedy(self, models: Path) -> str:
        """What to do where the file is not to be had: the rest of a sentence that began by saying so."""
        return f"Put {self.name} (MD5 {self.md5}, from {self.url}) into {models}"

    def given(self, models: Path) -> str | Path:
        """What `Backbone.build` is given for these weights."""
        return "imagenet"

    def is_at(self, path: Path) -> bool:
        """Whether `path` is this file: it exists and has the right hash."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest() == self.md5
