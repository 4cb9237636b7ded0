"""The exception for mistakes of the user: one clear line and exit status 2, never a traceback."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath


class UserError(Exception):
    """A mistake of the user. Its text is one line: the given value, the expected one, the remedy."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for an unknown name, with the known names and the nearest of them.

    Example:
        >>> str(unknown("backbone", "vgg61", ["densenet121", "vgg16"]))
        "Unknown backbone 'vgg61'. Known: densenet121, vgg16. Did you mean 'vgg16'?"
    """
    names = sorted(known)
    hint = "".join(f" Did you mean '{near}'?" for near in nearest(name, names, 1))
    return UserError(f"Unknown {kind} '{name}'. Known: {', '.join(names) or 'none'}.{hint}")


def nearest(name: str, known: Iterable[str], count: int) -> list[str]:
    """At most `count` of the `known` names similar to `name`, the most similar first; case is ignored."""
    lower = {other.lower(): other for other in sorted(known)}
    found = difflib.get_close_matches(name.lower(), lower, n=max(count, 3), cutoff=0.5)
    # Names of the same letters go first: swapped letters are the most likely slip.
    found.sort(key=lambda other: sorted(other) != sorted(name.lower()))
    return [lower[other] for other in found[:count]]


def one_line(name: str | PurePath) -> str:
    """A name for a line of text: control characters and bytes that are not UTF-8 are escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def listed(names: Sequence[str], most: int = 10) -> str:
    """`a, b, c`, and the number of names left out beyond `most`."""
    rest = [f"and {len(names) - most:,} more"] * (len(names) > most)
    return ", ".join([*names[:most], *rest])
