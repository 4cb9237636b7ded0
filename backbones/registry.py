"""Every backbone by its name. A family's file calls `register`; everybody else calls `get` and `names`."""

from __future__ import annotations

from collections.abc import Callable

from backbones.base import Backbone

# What `--all` means. `tiny` is registered as well, and never part of it.
MATRIX = ("vgg16", "resnet50", "densenet121", "efficientnetb0")

_registered: dict[str, Backbone] = {}
_schemes: dict[str, Callable[[str], Backbone]] = {}


class UnknownBackboneError(KeyError):
    """A name that is not registered. Its text lists those that are."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the quoted form


def register(backbone: Backbone) -> None:
    """Add `backbone` under its name.

    Raises:
        ValueError: the name is taken.
    """
    if backbone.name in _registered:
        raise ValueError(f"A backbone named '{backbone.name}' is registered already.")
    _registered[backbone.name] = backbone


def register_scheme(scheme: str, make: Callable[[str], Backbone]) -> None:
    """Let `make(REST)` answer for every name `SCHEME:REST`; it raises UnknownBackboneError for those it cannot make.

    Raises:
        ValueError: the scheme is taken.
    """
    if scheme in _schemes:
        raise ValueError(f"Names that begin with '{scheme}:' are registered already.")
    _schemes[scheme] = make


def get(name: str) -> Backbone:
    """The backbone registered under `name`, or made from it, as `hub:PRESET` is.

    Raises:
        UnknownBackboneError: there is none; the text lists all names.
    """
    scheme, colon, rest = name.partition(":")
    if colon and scheme in _schemes:
        return _schemes[scheme](rest)
    if name not in _registered:
        raise UnknownBackboneError(f"Unknown backbone '{name}'. Known: {', '.join(names())}.")
    return _registered[name]


def names() -> tuple[str, ...]:
    """All registered names, sorted."""
    return tuple(sorted(_registered))
