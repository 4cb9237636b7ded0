"""Every backbone by its name. A family's file calls `register`; all other code calls `get` and `names`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from backbones.base import Backbone

# The backbones of `--all`. `tiny` is registered as well, but only for tests.
MATRIX = ("vgg16", "resnet50", "densenet121", "efficientnetb0")
# Those that `--all` adds if weights of the matrix are missing: theirs come from a package index.
PACKAGED = ("efficientnetlite0", "efficientnetlite1", "efficientnetlite2")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")  # a word of the command line: no `@`, `:` or pattern
_registered: dict[str, Backbone] = {}
_schemes: dict[str, Callable[[str], Backbone]] = {}
_loaders: list[Callable[[], Sequence[str]]] = []


class UnknownBackboneError(KeyError):
    """A name that is not registered. Its text lists those that are."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the quoted form


def register(backbone: Backbone) -> None:
    """Add `backbone` under its name.

    Raises:
        ValueError: the name is taken, or cannot be a word of the command line.
        TypeError: not an instance of a subclass of `Backbone`.
    """
    if not isinstance(backbone, Backbone):
        raise TypeError(f"register takes an instance of a subclass of backbones.Backbone, and got {backbone!r}.")
    if not _NAME.fullmatch(backbone.name):
        raise ValueError(
            f"A backbone cannot be named '{backbone.name}': names are of a-z, 0-9 and . _ - and begin with a-z or 0-9."
        )
    if backbone.name in _registered:
        raise ValueError(f"A backbone named '{backbone.name}' is registered already.")
    _registered[backbone.name] = backbone


def register_scheme(scheme: str, make: Callable[[str], Backbone]) -> None:
    """Have `make(REST)` build the adapter of every name `SCHEME:REST`, or raise UnknownBackboneError.

    Raises:
        ValueError: the scheme is taken.
    """
    if scheme in _schemes:
        raise ValueError(f"Names that begin with '{scheme}:' are registered already.")
    _schemes[scheme] = make


def register_loader(load: Callable[[], Sequence[str]]) -> None:
    """Have `get` call `load` for a name that is not registered: it registers more, and returns a line per failure."""
    _loaders.append(load)


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Undoes the registrations made inside if an exception leaves."""
    tables: tuple[dict[str, object], ...] = (_registered, _schemes)  # type: ignore[assignment]
    before = [dict(table) for table in tables]
    try:
        yield
    except BaseException:
        for table, content in zip(tables, before, strict=True):
            table.clear()
            table.update(content)
        raise


def get(name: str) -> Backbone:
    """The backbone registered under `name`, or made from it, as `hub:PRESET` is.

    A name that is not registered loads the installed plugins first.

    Raises:
        UnknownBackboneError: no such backbone; the text lists all names, and the plugins that failed.
    """
    scheme, colon, rest = name.partition(":")
    if colon and scheme in _schemes:
        return _schemes[scheme](rest)
    failures = [] if name in _registered else [line for load in _loaders for line in load()]
    if name not in _registered:
        raise UnknownBackboneError(" ".join([f"Unknown backbone '{name}'. Known: {', '.join(names())}.", *failures]))
    return _registered[name]


def names() -> tuple[str, ...]:
    """All registered names, sorted. Installed plugins are included once they are loaded (`backbones.plugins`)."""
    return tuple(sorted(_registered))
