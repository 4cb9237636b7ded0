"""Output that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import typer

Content = TypeVar("Content")


def print_result(content: Content, as_json: bool, as_text: Callable[[Content], str]) -> None:
    """Prints JSON, or the text that `as_text` makes of the content."""
    typer.echo(json.dumps(content, indent=1) if as_json else as_text(content))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as text under a header; `none` if empty."""
    from tabulate import tabulate

    return tabulate(rows, headers="keys", tablefmt="simple", floatfmt=".4g", intfmt=",") or "none"


@contextmanager
def interruptible(kept: str = "") -> Iterator[None]:
    """Ends an interrupted command with exit status 130.

    Args:
        kept: sentence about the work that is kept.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"Interrupted. {kept}".rstrip(), err=True)
        raise typer.Exit(130) from None
