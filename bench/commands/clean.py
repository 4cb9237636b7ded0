"""`bench clean`: show and remove what is not a result."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import RUNS, Runs


def clean(
    runs: Runs = RUNS,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without this it is only shown.")] = False,
) -> None:
    """Show what is not a result (unfinished work, banks, failed attempts, begun imports); with --yes remove it."""
    from bench.data.imports.unfinished import unfinished
    from bench.store.store import Store

    store, begun = Store(runs), unfinished()
    sizes = dict(store.leftovers()) | {work.path: work.size for work in begun}
    for path, size in sizes.items():
        typer.echo(f"{size / 2**20:10.1f} MiB  {path}")
    if yes:
        store.remove_leftovers()
        for work in begun:
            if not work.remove():
                typer.echo(f"Kept, since it is in use: {work.path}")
                del sizes[work.path]
    typer.echo(f"{sum(sizes.values()) / 2**20:10.1f} MiB  {'removed' if yes else 'in all; --yes removes it'}")
