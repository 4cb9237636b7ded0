"""Data sets that lie elsewhere, `gs://bucket/folder` or another URL: what is known of them on this machine.

A child lists the folder (`looking`) and copies the shards that are needed (`copying`) under `home()/remote`; readers
then read files of this machine. Nothing here needs TensorFlow or a network.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.environment import home
from bench.errors import UserError
from bench.files import path_safe, write_json

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)")
_LISTING = "listing.json"


@dataclass(frozen=True)
class Remote:
    """A folder elsewhere, as it was when it was last looked at.

    Attributes:
        url: of the folder, without a slash at its end.
        sizes: paths in it -> bytes, for shards, class names and answers.
    """

    url: str
    sizes: Mapping[str, int]

    @property
    def name(self) -> str:
        """What reports call it: the last part of the URL."""
        return self.url.rpartition("/")[2]

    def save(self) -> None:
        """Keep it for `load`."""
        write_json(place(self.url) / _LISTING, asdict(self))


def is_remote(text: str) -> bool:
    """Whether a data set is given by a URL."""
    return _URL.fullmatch(text) is not None


def scheme(url: str) -> str:
    """`gs` of `gs://bucket/folder`."""
    match = _URL.fullmatch(url)
    return match[1].lower() if match else ""


def plain(url: str) -> str:
    """The URL without slashes at its end.

    Raises:
        UserError: nothing is behind the scheme.
    """
    found = url.rstrip("/")
    if not is_remote(found):
        raise UserError(f"'{url}' names no folder. Expected a URL such as gs://bucket/folder.")
    return found


def place(url: str) -> Path:
    """Where copies of its files lie on this machine."""
    url = plain(url)
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    return home() / "remote" / f"{path_safe(url.rpartition('/')[2])}-{digest}"


def load(url: str) -> Remote:
    """What the last look found.

    Raises:
        UserError: nobody has looked.
    """
    try:
        found = json.loads((place(url) / _LISTING).read_text(encoding="utf-8"))
        return Remote(found["url"], found["sizes"])
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"'{url}' has not been looked at. Run the command again.") from error
