"""The parent's way to a data set: where it lies elsewhere, a child looks at it first."""

from __future__ import annotations

from bench.asking import ask_counting
from bench.data.catalog import DataSource, find, url_of
from bench.data.remote import place, scheme
from bench.environment import home
from bench.errors import UserError
from bench.jobs import LookJob
from bench.weights import answers

_GOOGLE = ("www.googleapis.com", "storage.googleapis.com")  # one lists, the other reads


def find_data(data: str) -> DataSource:
    """The data set of that name, in that folder or at that URL, as it is now.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    url = url_of(data)
    if url is not None:
        _look(url)
    return find(data)


def _look(url: str) -> None:
    # TensorFlow would try for minutes.
    silent = [host for host in _GOOGLE if scheme(url) == "gs" and not answers(host)]
    if silent:
        copies = place(url)
        path = f"'{copies}' has what was copied" if copies.is_dir() else "a copy on this machine can"
        raise UserError(f"'{url}' cannot be read: {silent[0]} does not answer; {path}: --data PATH.")
    ask_counting(LookJob(data=url), home() / "cache" / "look.log")
