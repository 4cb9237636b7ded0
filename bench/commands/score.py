"""`bench score`: compare a run with the answers of the test split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench import api
from bench.commands.options import RUNS, AsJson, Run, Runs
from bench.commands.output import print_result


def score(
    run: Run,
    answers: Annotated[
        Path, typer.Argument(metavar="ANSWERS", help="CSV with the columns id and label.", show_default=False)
    ],
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Print macro F1 with its interval, and scores per class, on the test split."""
    from bench.predictions.submission import describe_score

    print_result(api.score(runs, run, answers), as_json, describe_score)
