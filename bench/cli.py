"""The command tree. Each command is a function in `bench/commands/`; heavy modules are imported when it runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bench.commands.add import add
from bench.commands.clean import clean
from bench.commands.data import data_app
from bench.commands.ensemble import ensemble
from bench.commands.export import export
from bench.commands.list import list_app
from bench.commands.predict import predict
from bench.commands.recommend import recommend
from bench.commands.report import report
from bench.commands.run import run
from bench.commands.score import score
from bench.commands.show import show
from bench.commands.submit import submit
from bench.errors import UserError
from bench.version import __version__

app = typer.Typer(
    name="petalbench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(run)
app.command()(ensemble)
app.command()(recommend)
app.command()(report)
app.command()(add)
app.command()(export)
app.command()(predict)
app.command()(submit)
app.command()(score)
app.command()(show)
app.command()(clean)
app.add_typer(list_app, name="list")
app.add_typer(data_app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"petalbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Which pretrained backbone, at which resolution, alone or in an ensemble, gives the best macro F1 for the cost?"""


def main() -> None:
    """Runs a command. A mistake of the user is one line and exit status 2."""
    try:
        app()
    except UserError as error:
        print(f"petalbench: {error}", file=sys.stderr)
        sys.exit(2)
