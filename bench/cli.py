"""The command tree. Each command is one function in `bench/commands/`; what is heavy is imported when it runs."""

from __future__ import annotations

import sys

import typer

from bench.commands.add import add
from bench.commands.clean import clean
from bench.commands.data_audit import data_audit
from bench.commands.data_fetch import data_fetch
from bench.commands.data_import import data_import
from bench.commands.data_show import data_show
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
data_app = typer.Typer(help="Bring in data sets, check them, look at them.", no_args_is_help=True)
app.command()(run)
app.command()(ensemble)
app.command()(recommend)
app.command()(report)
app.command()(add)
app.command()(export)
app.command()(predict)
app.command()(submit)
app.command()(score)
app.add_typer(list_app, name="list")
app.add_typer(data_app, name="data")
data_app.command("import")(data_import)
data_app.command("fetch")(data_fetch)
data_app.command("audit")(data_audit)
data_app.command("show")(data_show)
app.command()(show)
app.command()(clean)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"petalbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Which pretrained backbone, at which resolution, alone or in an ensemble, gives the best macro F1 for the cost?"""


def main() -> None:
    """Runs a command. A mistake of the user's is one line and exit status 2."""
    try:
        app()
    except UserError as error:
        print(f"petalbench: {error}", file=sys.stderr)
        sys.exit(2)
