"""`bench report`: rebuild the report from the store alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.commands.options import REPORTS, RUNS, DataFilter, PricesFile, Reports, Runs


def report(
    data: DataFilter = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    prices: PricesFile = None,
    embed: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Also put the results table between the markers of a markdown file."),
    ] = None,
) -> None:
    """Rebuild summary.md, results.csv and the figures from saved runs. Trains nothing."""
    from bench.analysis.prices import load_prices
    from bench.analysis.publish import embed_table, publish
    from bench.store.store import Store

    store, known = Store(runs), load_prices(prices)
    page = publish(store, data, reports, known)
    if embed is not None:
        embed_table(store, data, embed, known)
    typer.echo(f"Report: {page}")
