"""`bench predict`: classify pictures with what a run trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.commands.options import RUNS, AsJson, Plugins, Runs


def predict(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run that kept its weights, or an ensemble of such, by name.", show_default=False
        ),
    ],
    paths: Annotated[
        list[Path], typer.Argument(metavar="PICTURE|FOLDER...", help="What to classify.", show_default=False)
    ],
    top: Annotated[int, typer.Option(min=1, metavar="K", help="How many classes of each picture.")] = 5,
    csv: Annotated[
        Optional[Path],  # noqa: UP045  typer reads it at run time
        typer.Option("--csv", metavar="FILE", help="Write a CSV, one row a picture; - for standard output."),
    ] = None,
    as_json: AsJson = False,
    square: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="centre|letterbox",
            help="The middle of each picture, or all of it between bars; as the run's data were imported unless given.",
        ),
    ] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out files that are no pictures, and name them.")
    ] = False,
    batch: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, metavar="N", help="Pictures at once; as many as suits the device unless given."),
    ] = None,
    weights: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option(
            metavar="FILE|DIR",
            help="A weights file of a frozen run that has moved since, or a folder of published ones; repeatable.",
        ),
    ] = None,
    plugin: Plugins = None,
    runs: Runs = RUNS,
) -> None:
    """Classify pictures with a run or an ensemble: the most probable classes and their probabilities."""
    from bench.predictions.predict.classify import PredictRequest, classify
    from bench.predictions.predict.telling import tell

    order = PredictRequest(run, paths, runs, weights or (), square, batch, skip_unreadable, plugin or ())
    try:
        tell(classify(order), top, csv, as_json)
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        raise typer.Exit(130) from None
