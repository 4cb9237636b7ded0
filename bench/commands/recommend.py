"""`bench recommend`: the best run or ensemble for a budget."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from bench.commands.options import REPORTS, RUNS, AsJson, DataFilter, PricesFile, Reports, Runs


def recommend(
    max_usd: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, help="Of training, that of all candidates for an ensemble; needs prices."),
    ] = None,
    max_train_hours: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, help="Device-hours of training, likewise."),
    ] = None,
    max_ms_per_image: Annotated[Optional[float], typer.Option(min=0, help="Of inference.")] = None,  # noqa: UP045
    min_f1: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, max=1, help="Validation macro F1, cross-fitted for an ensemble."),
    ] = None,
    data: DataFilter = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    prices: PricesFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what to take for a budget, and what cannot be told apart from it. Uses saved predictions alone."""
    from bench.analysis.prices import load_prices
    from bench.analysis.recommend.choice import Budget
    from bench.analysis.recommend.recommend import recommend
    from bench.analysis.recommend.wording import tell
    from bench.store.store import Store

    budget = Budget(max_usd, max_train_hours, max_ms_per_image, min_f1)
    found = recommend(Store(runs), data, budget, load_prices(prices), reports)
    raise typer.Exit(tell(found.choice, budget, found.options, found.files, as_json=as_json))
