"""`bench ensemble`: combine saved predictions, without touching an accelerator again."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from bench.commands.options import REPORTS, RUNS, AsJson, DataFilter, PricesFile, Reports, Runs


def ensemble(
    method: Annotated[
        str, typer.Argument(metavar="METHOD", help="top3 (any number), mean or geometric.", show_default=False)
    ],
    members: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--members",
            metavar="RUN",
            help="A candidate; may be repeated. All trained runs of the data set unless given.",
        ),
    ] = None,
    data: DataFilter = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Of the cross-fitted score.")] = 5,
    repeats: Annotated[int, typer.Option(min=1, help="Of the folds.")] = 5,
    prices: PricesFile = None,
    as_json: AsJson = False,
) -> None:
    """Combine runs, score the combination on validation, apply it to test, and store it as a run."""
    from bench.combining import Protocol, combine
    from bench.prices import load_prices
    from bench.publishing import publish
    from bench.store import Store
    from bench.telling import tell_ensemble

    store, known = Store(runs), load_prices(prices)
    stored = combine(store, method, data, members or (), Protocol(folds, repeats, seed))
    page = publish(store, stored.result.data, reports, known)
    tell_ensemble(stored.result, page, as_json)
