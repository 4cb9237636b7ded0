"""`bench ensemble`: combine saved predictions, without touching an accelerator again."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from bench.commands.options import REPORTS, RUNS, AsJson, DataFilter, PricesFile, Reports, Runs


def ensemble(
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="top3 (any number), mean, geometric, greedy, blend, stack, cascade; all: every one, compared. "
            "METHOD+prior: adjusted for class sizes by one fitted parameter.",
            show_default=False,
        ),
    ],
    more_members: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="RUN", hidden=True, show_default=False),  # what follows the first of --members
    ] = None,
    members: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--members",
            metavar="RUN...",
            help="Candidates; all trained and added runs of the data set unless given.",
        ),
    ] = None,
    data: DataFilter = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Of the cross-fitted score.")] = 5,
    repeats: Annotated[int, typer.Option(min=1, help="Of the folds.")] = 5,
    max_cost: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--max-cost",
            metavar="MS",
            help="Milliseconds per image that all members together may take; of a cascade, what it uses on average.",
        ),
    ] = None,
    prices: PricesFile = None,
    as_json: AsJson = False,
) -> None:
    """Combine runs, score the combination on validation, apply it to test, and store it as a run."""
    # What is imported here stays until the end; looking for garbage in it, again and again, takes 5 % of `top3`.
    import gc

    gc.disable()
    from bench.commands.ensembling import Order, carry_out
    from bench.errors import UserError

    if more_members and not members:
        raise UserError(f"What is '{more_members[0]}'? Candidates are named after --members.")
    carry_out(
        Order(
            method=method,
            members=(*(members or ()), *(more_members or ())),
            data=data,
            runs=runs,
            reports=reports,
            seed=seed,
            folds=folds,
            repeats=repeats,
            max_cost_ms=max_cost,
            prices=prices,
            as_json=as_json,
        )
    )
