"""`bench export`: write the predictions of a run for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench import api
from bench.commands.options import RUNS, Run, Runs


def export(
    run: Run,
    form: Annotated[
        str, typer.Option("--format", metavar="csv|npy", help="One table, or an array with files of ids and classes.")
    ] = "csv",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the files.")] = Path(),
    runs: Runs = RUNS,
) -> None:
    """Write a run's probabilities, ids and labels to files that `add` reads."""
    for path in api.export(runs, run, form, out):
        typer.echo(path)
