"""`bench list`: backbones, weights, recipes, runs and data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench import api
from bench.commands.options import RUNS, AsJson, Backbones, Plugins, Runs
from bench.commands.output import print_result, table
from bench.errors import UserError

list_app = typer.Typer(help="List backbones, weights, recipes, runs or data sets.", no_args_is_help=True)


@list_app.command()
def backbones(words: Backbones = None, plugin: Plugins = None, as_json: AsJson = False) -> None:
    """Registered backbones: size, cost, and published weights."""
    from bench.matrix.catalogue import backbone_tables
    from bench.plugins import use

    failed = use(plugin or ())
    print_result(api.list_backbones(words or ()), as_json, backbone_tables)
    raise typer.Exit(1 if failed else 0)


@list_app.command()
def weights(
    words: Backbones = None,
    folder: Annotated[
        Path | None, typer.Option("--weights", metavar="DIR", help="Folder of the files. Default: that of Keras.")
    ] = None,
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Files of ImageNet weights: name, hash, folder, and whether the file is in place with the right hash.

    Exit status 1: a file has the wrong hash, or that of a named backbone is missing.
    """
    from bench.matrix.catalogue import status, weights_text
    from bench.plugins import use

    failed = use(plugin or ())
    rows = api.list_weights(words or (), folder)
    print_result(rows, as_json, weights_text)
    raise typer.Exit(1 if failed else status(rows, words or ()))


@list_app.command()
def recipes(
    picture: Annotated[
        Path | None,
        typer.Argument(metavar="FILE.png", help="File of --plot. Default: recipes.png.", show_default=False),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Plot the learning rates, as planned and as run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recipes of the package."""
    if picture and not plot:
        raise UserError(f"'{picture}' needs --plot: list recipes --plot {picture}.")
    target = (picture or Path("recipes.png")) if plot else None
    print_result(api.list_recipes(target), as_json, table)
    if target:
        typer.echo(f"Schedules: {target}", err=as_json)


@list_app.command()
def runs(runs: Runs = RUNS, as_json: AsJson = False) -> None:
    """Runs and ensembles in the store, best first, then failed runs."""
    print_result(api.list_runs(runs), as_json, table)


@list_app.command()
def data(as_json: AsJson = False) -> None:
    """Data sets that have a name."""
    print_result(api.list_data(), as_json, table)
