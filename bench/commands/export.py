"""`bench export`: a run's predictions as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import RUNS, Runs


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name, or the start of one.", show_default=False)],
    form: Annotated[
        str, typer.Option("--format", metavar="csv|npy", help="One table, or an array with its ids beside it.")
    ] = "csv",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write.")] = Path(),
    runs: Runs = RUNS,
) -> None:
    """Write a run's probabilities, ids and labels to files that `add` reads back."""
    from bench.predictions.export import export
    from bench.store.store import Store

    for path in export(Store(runs).get(run), form, out):
        typer.echo(path)
