"""Published weights files: name, hash and source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

HASHES = {"md5": "MD5", "sha256": "SHA-256"}  # name for hashlib -> name for people


class WeightsError(ValueError):
    """Weights that are not available, or not those of the network. One line, naming the file and the network."""


@dataclass(frozen=True)
class WeightsFile:
    """A published file of ImageNet weights without the top.

    Attributes:
        name: file name in the folder in which Keras keeps weights.
        digest: hexadecimal MD5 or SHA-256 of the file, told apart by their length; None: not published.
        url: source from which Keras downloads the file; empty: not for download.
    """

    name: str
    digest: str | None
    url: str

    @property
    def algorithm(self) -> str:
        """Algorithm of `digest`, as named in `hashlib`."""
        return "sha256" if self.digest and len(self.digest) == 64 else "md5"

    @property
    def hash(self) -> str:
        """Algorithm and digest, for people."""
        return f"{HASHES[self.algorithm]} {self.digest}" if self.digest else "no hash is published"

    @property
    def host(self) -> str:
        """Host of the URL; empty: not for download."""
        return urlsplit(self.url).netloc

    def place(self, models: Path) -> Path:
        """Path of the file, given the folder in which Keras keeps weights."""
        return models / self.name

    def remedy(self, models: Path) -> str:
        """How to get the file, as the next sentence of an error that says it is not available."""
        source = f", from {self.url}" if self.url else ""
        return f"Put {self.name} ({self.hash}{source}) into {models}"

    def given(self, models: Path) -> str | Path:
        """Argument of `Backbone.build` for these weights."""
        return "imagenet"

    def is_at(self, path: Path) -> bool:
        """Whether `path` is this file: it exists and has the published hash, if any."""
        if not path.is_file():
            return False
        if self.digest is None:
            return True
        status = path.stat()
        return _digest(path, self.algorithm, status.st_size, status.st_mtime_ns) == self.digest


@dataclass(frozen=True)
class PackagedWeights(WeightsFile):
    """A file in a package of the package index, which is located but never imported.

    Attributes:
        name: file name in the package's folder `models`.
        module: import name of the package.
        package: name in the package index.
        extra: our extra that installs the package.
    """

    module: str
    package: str
    extra: str

    def place(self, models: Path) -> Path:
        """Path in the package; relative to the package if that is not installed. `models` is not used."""
        spec = find_spec(self.module)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        return Path(folders[0] if folders else self.module, "models", self.name)

    def remedy(self, models: Path) -> str:
        """The extra to install."""
        return f"Install the package that holds it: pip install 'petalbench[{self.extra}]' ({self.package})"


@cache
def _digest(path: Path, algorithm: str, size: int, mtime_ns: int) -> str:
    """Digest of the content, read once in a process for each size and time of change: a command asks repeatedly."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
