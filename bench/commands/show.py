"""`bench show`: one run whole."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import RUNS, AsJson, Runs


def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name, or the start of one.", show_default=False)],
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Show everything that is known of one run: what was asked, what was found, per-class F1."""
    from bench.analysis.describe import as_dict, describe_run
    from bench.store.store import Store

    store = Store(runs)
    stored = store.get(run)
    if as_json:
        import json

        typer.echo(json.dumps(as_dict(stored, store), indent=1))
    else:
        typer.echo(describe_run(stored, store))
