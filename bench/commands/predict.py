"""`bench predict`: classify pictures with the networks of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bench import api
from bench.commands.options import RUNS, AsJson, Plugins, Run, Runs, SkipUnreadable
from bench.commands.output import interruptible, print_result
from bench.errors import UserError, one_line


def predict(
    run: Run,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PICTURE|FOLDER...", help="Pictures to classify.", show_default=False)
    ],
    top: Annotated[int, typer.Option(min=1, metavar="K", help="Classes per picture.")] = 5,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write a CSV with one row per picture; - for standard output."),
    ] = None,
    as_json: AsJson = False,
    square: Annotated[
        str | None,
        typer.Option(
            metavar="centre|letterbox",
            help="Crop the centre of each picture, or pad it with bars. Default: as the data set of the run.",
        ),
    ] = None,
    skip_unreadable: SkipUnreadable = False,
    batch: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Pictures per batch. Default: what suits the device.")
    ] = None,
    weights: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Weights file of a frozen run that moved, or folder of published ones; repeatable.",
        ),
    ] = None,
    plugin: Plugins = None,
    runs: Runs = RUNS,
) -> None:
    """Classify pictures with a run that kept its weights, or an ensemble of such runs."""
    from bench.predictions.predict.classify import PredictRequest

    request = PredictRequest(run, paths, runs, weights or (), square, batch, skip_unreadable, plugin or ())
    with interruptible():
        found = api.predict(request)
    for name, reason in found.skipped:
        typer.echo(f"Left out: {one_line(name)} ({one_line(reason)})", err=True)
    content = found.as_dict(top)
    if as_json or csv is None:
        print_result(content, as_json, _table)
    elif str(csv) == "-":
        typer.echo(_csv(content), nl=False)
    else:
        _write(csv, _csv(content))
        typer.echo(f"{len(found.pictures):,} pictures: {one_line(csv)}")


def _table(content: dict[str, Any]) -> str:
    """A line per class; only the first line of a picture names the picture."""
    from tabulate import tabulate

    rows = [
        (one_line(found["picture"]) if rank == 0 else "", *label.values())
        for found in content["predictions"]
        for rank, label in enumerate(found["classes"])
    ]
    headers = ("picture", "class", "probability")
    return tabulate(rows, headers=headers, tablefmt="simple", floatfmt=".4f", disable_numparse=[0, 1])


def _csv(content: dict[str, Any]) -> str:
    """A row per picture: `picture,class_1,probability_1,class_2,...`, the most probable class first."""
    from bench.files import csv_text

    rows = [
        [
            found["picture"],
            *(cell for each in found["classes"] for cell in (each["class"], f"{each['probability']:.8g}")),
        ]
        for found in content["predictions"]
    ]
    header = [f"{name}_{rank}" for rank in range(1, len(rows[0]) // 2 + 1) for name in ("class", "probability")]
    return csv_text([["picture", *header], *rows])


def _write(path: Path, text: str) -> None:
    from bench.files import write_text

    try:
        write_text(path, text)
    except OSError as error:
        raise UserError(f"Cannot write '{one_line(path)}': {error.strerror}.") from None
