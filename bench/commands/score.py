"""`bench score`: a run against the answers of the test split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.commands.options import RUNS, AsJson, Runs


def score(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN_OR_ENSEMBLE", help="A run's name, or the start of one.", show_default=False),
    ],
    answers: Annotated[
        Path, typer.Argument(metavar="ANSWERS", help="A CSV with the columns id and label.", show_default=False)
    ],
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Macro F1 with its interval, and a table of the classes, on the test split."""
    import json

    from bench.predictions.submission import describe_score, score_answers
    from bench.store.store import Store

    found = score_answers(Store(runs).get(run), answers)
    typer.echo(json.dumps(found, indent=1) if as_json else describe_score(found))
