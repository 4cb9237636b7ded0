"""`bench report`: rebuild the report from the store alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.commands.options import REPORTS, RUNS, DataFilter, Reports, Runs


def report(
    data: DataFilter = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    embed: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Also put the results table between the markers of a markdown file."),
    ] = None,
) -> None:
    """Rebuild summary.md, results.csv and the figures from saved runs. Trains nothing."""
    from bench.embedding import embed_table
    from bench.publishing import publish
    from bench.store import Store

    store = Store(runs)
    page = publish(store, data, reports)
    if embed is not None:
        embed_table(store, data, embed)
    typer.echo(f"Report: {page}")
