"""The one exception that means "the user can mend this": a clear line and exit status 2, never a traceback."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath


class UserError(Exception):
    """A mistake in what was asked or given. Its text is one line: what came, what was expected, how to mend it."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """An error for a name that is not registered, with all that are and the nearest of them.

    Example:
        >>> str(unknown("backbone", "vgg61", ["densenet121", "vgg16"]))
        "Unknown backbone 'vgg61'. Known: densenet121, vgg16. Did you mean 'vgg16'?"
    """
    names = sorted(known)
    hint = "".join(f" Did you mean '{near}'?" for near in nearest(name, names, 1))
    return UserError(f"Unknown {kind} '{name}'. Known: {', '.join(names) or 'none'}.{hint}")


def nearest(name: str, known: Iterable[str], count: int) -> list[str]:
    """At most `count` of `known` that are like `name`, the likeliest first; capital letters make no difference."""
    lower = {other.lower(): other for other in sorted(known)}
    found = difflib.get_close_matches(name.lower(), lower, n=max(count, 3), cutoff=0.5)
    # Those with the same letters go first: two that changed places are the likelier slip.
    found.sort(key=lambda other: sorted(other) != sorted(name.lower()))
    return [lower[other] for other in found[:count]]


def one_line(name: str | PurePath) -> str:
    """A name as it may stand in a line of text: control characters and bytes that are no UTF-8 are written out."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def listed(names: Sequence[str], most: int = 10) -> str:
    """`a, b, c`, with the number of those that are not shown."""
    rest = [f"and {len(names) - most:,} more"] * (len(names) > most)
    return ", ".join([*names[:most], *rest])
