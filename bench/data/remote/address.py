"""URLs of data sets, such as `gs://bucket/folder`, and the last listing of each.

A child lists the folder and copies the shards that are needed under `home()/remote` (`copies.py`); readers then read
local files. This module needs neither TensorFlow nor a network.
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
class RemoteFolder:
    """A folder at a URL, as the last listing found it.

    Attributes:
        url: without a slash at the end.
        sizes: paths inside -> bytes, of shards, class names and answers.
    """

    url: str
    sizes: Mapping[str, int]

    @property
    def name(self) -> str:
        """The data set's name in reports: the last part of the URL."""
        return self.url.rpartition("/")[2]

    def save(self) -> None:
        """Stores the listing for `load`."""
        write_json(copies_folder(self.url) / _LISTING, asdict(self))

    @classmethod
    def load(cls, url: str) -> RemoteFolder:
        """The last listing of a URL.

        Raises:
            UserError: not listed yet.
        """
        try:
            found = json.loads((copies_folder(url) / _LISTING).read_text(encoding="utf-8"))
            return cls(found["url"], found["sizes"])
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"'{url}' has not been listed yet. Run the command again.") from error


def is_remote(text: str) -> bool:
    """Whether a data set is given by a URL."""
    return _URL.fullmatch(text) is not None


def scheme(url: str) -> str:
    """`gs` of `gs://bucket/folder`."""
    match = _URL.fullmatch(url)
    return match[1].lower() if match else ""


def folder_url(url: str) -> str:
    """The URL without slashes at its end.

    Raises:
        UserError: only a scheme.
    """
    found = url.rstrip("/")
    if not is_remote(found):
        raise UserError(f"'{url}' names no folder. Expected a URL such as gs://bucket/folder.")
    return found


def copies_folder(url: str) -> Path:
    """The folder on this machine for copies of the URL's files."""
    url = folder_url(url)
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    return home() / "remote" / f"{path_safe(url.rpartition('/')[2])}-{digest}"
