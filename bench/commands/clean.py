"""`bench clean`: show and remove what is not a result."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import RUNS, Runs


def clean(
    runs: Runs = RUNS,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without this it is only shown.")] = False,
) -> None:
    """Show what is not a result (unfinished work, banks, failed attempts), and with --yes remove it."""
    from bench.store import Store

    store = Store(runs)
    leftovers = store.leftovers()
    for path, size in leftovers:
        typer.echo(f"{size / 2**20:10.1f} MiB  {path}")
    total = sum(size for _, size in leftovers) / 2**20
    if yes:
        store.remove_leftovers()
    typer.echo(f"{total:10.1f} MiB  {'removed' if yes else 'in all; --yes removes it'}")
