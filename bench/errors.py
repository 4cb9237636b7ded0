"""The one exception that means "the user can mend this": a clear line and exit status 2, never a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what was asked or given. Its text is one line: what came, what was expected, how to mend it."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """An error for a name that is not registered, with all that are and the nearest of them.

    Example:
        >>> str(unknown("backbone", "vgg61", ["densenet121", "vgg16"]))
        "Unknown backbone 'vgg61'. Known: densenet121, vgg16. Did you mean 'vgg16'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    # The first unless another one has the same letters: two that changed places are the likelier slip.
    nearest = max(near, key=lambda other: sorted(other) == sorted(name), default=None)
    hint = f" Did you mean '{nearest}'?" if nearest else ""
    return UserError(f"Unknown {kind} '{name}'. Known: {', '.join(names) or 'none'}.{hint}")
