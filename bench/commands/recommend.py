"""`bench recommend`: the best run or ensemble for a budget."""

from __future__ import annotations

from typing import Annotated

import typer

from bench import api
from bench.commands.options import REPORTS, RUNS, AsJson, DataFilter, PricesFile, Reports, Runs
from bench.commands.output import print_result


def recommend(
    max_usd: Annotated[
        float | None, typer.Option(min=0, help="Limit on dollars of training the choice again; needs prices.")
    ] = None,
    max_train_hours: Annotated[float | None, typer.Option(min=0, help="Limit on device-hours, likewise.")] = None,
    max_ms_per_image: Annotated[float | None, typer.Option(min=0, help="Limit on milliseconds of inference.")] = None,
    min_f1: Annotated[
        float | None, typer.Option(min=0, max=1, help="Lowest macro F1 on validation, cross-fitted for an ensemble.")
    ] = None,
    data: DataFilter = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    prices: PricesFile = None,
    as_json: AsJson = False,
) -> None:
    """Recommend the cheapest run or ensemble that cannot be told apart from the best in a budget. Trains nothing."""
    from bench.analysis.recommend.choice import Budget
    from bench.analysis.recommend.wording import as_dict, nothing_fits

    budget = Budget(max_usd, max_train_hours, max_ms_per_image, min_f1)
    found = api.recommend(runs, data, budget, reports, prices)
    choice, files = found.choice, list(map(str, found.files))
    if choice.taken is None and not as_json:
        typer.echo(f"petalbench: {nothing_fits(choice, budget)}", err=True)
    else:
        lines = [*found.lines, f"Tables: {', '.join(files)}"]
        print_result(as_dict(choice, found.options, found.search, files), as_json, lambda content: "\n".join(lines))
    raise typer.Exit(0 if choice.taken is not None else 1)
