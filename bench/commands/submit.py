"""`bench submit`: a run's predictions as Kaggle takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import RUNS, Runs


def submit(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN_OR_ENSEMBLE", help="A run's name, or the start of one.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="What to write.")] = Path("submission.csv"),
    runs: Runs = RUNS,
) -> None:
    """Write the predicted class of every test image as Kaggle's id,label."""
    from bench.predictions.submission import submit
    from bench.store.store import Store

    rows = submit(Store(runs).get(run), out)
    typer.echo(f"{out}: {rows} rows")
