"""`bench clean`: list and remove files that are not results."""

from __future__ import annotations

from typing import Annotated

import typer

from bench import api
from bench.commands.options import RUNS, Runs


def clean(
    runs: Runs = RUNS,
    yes: Annotated[bool, typer.Option("--yes", help="Remove the files; without it they are only listed.")] = False,
) -> None:
    """List files that are not results (unfinished work, banks, failed attempts); with --yes, remove them."""
    leftovers = api.clean(runs, remove=yes)
    for leftover in leftovers:
        typer.echo(f"{leftover.size / 2**20:10.1f} MiB  {leftover.path}")
    for owner in dict.fromkeys(leftover.owner for leftover in leftovers if leftover.owner):
        kept = [str(leftover.path) for leftover in leftovers if leftover.owner == owner]
        typer.echo(f"Kept, in use by {owner}: {', '.join(kept)}")
    total = sum(leftover.size for leftover in leftovers if not leftover.owner)
    typer.echo(f"{total / 2**20:10.1f} MiB  {'removed' if yes else 'in all; --yes removes them'}")
