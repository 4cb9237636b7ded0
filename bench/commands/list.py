"""`bench list`: what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.commands.options import RUNS, AsJson, Plugins, Runs

list_app = typer.Typer(help="Show what there is: backbones, weights, recipes, runs, data.", no_args_is_help=True)


@list_app.command()
def backbones(
    words: Annotated[
        Optional[list[str]],  # noqa: UP045  typer reads it at run time
        typer.Argument(metavar="[BACKBONE]...", help="As `run` takes them; all unless given.", show_default=False),
    ] = None,
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Backbones that can be run: their cost, and what is published of their weights."""
    from bench.commands.listing import print_rows
    from bench.matrix.catalogue import backbone_rows, backbone_tables
    from bench.plugins import use

    failed = use(plugin or ())
    rows = backbone_rows(words or ())
    if as_json:
        print_rows(rows, as_json=True)
    else:
        typer.echo(backbone_tables(rows))
    raise typer.Exit(1 if failed else 0)


@list_app.command()
def weights(
    words: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="[BACKBONE]...", help="As `run` takes them; all unless given.", show_default=False),
    ] = None,
    folder: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--weights", metavar="DIR", help="Where the files are; where Keras keeps them unless given."),
    ] = None,
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Files of ImageNet weights: name, hash, folder, and whether the right one is there.

    Exit status 1: a file has the wrong hash, or a backbone that was named lacks its file.
    """
    from bench.commands.listing import print_rows
    from bench.matrix.catalogue import status, weights_rows, weights_text
    from bench.plugins import use

    failed = use(plugin or ())
    rows = weights_rows(words or (), folder)
    if as_json:
        print_rows(rows, as_json=True)
    else:
        typer.echo(weights_text(rows))
    raise typer.Exit(1 if failed else status(rows, words or ()))


@list_app.command()
def recipes(
    picture: Annotated[
        Optional[Path],  # noqa: UP045  typer reads it at run time
        typer.Argument(metavar="FILE.png", help="Where --plot draws; recipes.png unless given.", show_default=False),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the schedules, as planned and as run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recipes that can be trained with."""
    from bench.commands.listing import print_rows, recipe_rows
    from bench.errors import UserError

    if picture and not plot:
        raise UserError(f"'{picture}' is where --plot would draw; say `list recipes --plot {picture}`.")
    print_rows(recipe_rows(), as_json)
    if plot:
        from bench.analysis.recipes import draw_recipes

        typer.echo(f"Schedules: {draw_recipes(picture or Path('recipes.png'))}", err=as_json)


@list_app.command()
def runs(runs: Runs = RUNS, as_json: AsJson = False) -> None:
    """Runs and ensembles in the store, best first, and what failed."""
    from bench.commands.listing import print_rows, run_rows
    from bench.store.store import Store

    print_rows(run_rows(Store(runs)), as_json)


@list_app.command()
def data(as_json: AsJson = False) -> None:
    """Data sets that can be given by name."""
    from bench.commands.listing import data_rows, print_rows

    print_rows(data_rows(), as_json)
