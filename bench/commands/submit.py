"""`bench submit`: write predictions in the form of Kaggle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench import api
from bench.commands.options import RUNS, Run, Runs


def submit(
    run: Run,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")] = Path("submission.csv"),
    runs: Runs = RUNS,
) -> None:
    """Write the predicted class of every test image as Kaggle's id,label."""
    rows = api.submit(runs, run, out)
    typer.echo(f"{out}: {rows} rows")
