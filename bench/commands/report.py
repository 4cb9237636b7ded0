"""`bench report`: rebuild the report from the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench import api
from bench.commands.options import REPORTS, RUNS, DataFilter, PricesFile, Reports, Runs


def report(
    data: DataFilter = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    prices: PricesFile = None,
    embed: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also put the results table between the markers of this markdown file."),
    ] = None,
) -> None:
    """Rebuild summary.md, results.csv and the figures from stored runs, and print the answer. Trains nothing."""
    from bench.analysis.publish import verdict
    from bench.store.store import Store

    page = api.report(runs, data, reports, prices, embed)
    typer.echo(f"{verdict(Store(runs), data)}\n\nReport: {page}")
