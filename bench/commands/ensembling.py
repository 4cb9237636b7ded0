"""The command `ensemble`, from what was asked to what is said: one method, or all of them compared."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.prices import load_prices
from bench.analysis.publish import publish
from bench.commands.telling_ensemble import tell_comparison, tell_ensemble
from bench.ensemble_runs.candidates import find
from bench.ensemble_runs.comparison import compare
from bench.ensemble_runs.workbench import Protocol, Workbench, one_thread
from bench.errors import UserError
from bench.store.store import Store

EVERY = "all"


@dataclass(frozen=True)
class Order:
    """What the command line asked for; see its help."""

    method: str
    members: tuple[str, ...]
    data: str | None
    runs: Path
    reports: Path
    seed: int
    folds: int
    repeats: int
    max_cost_ms: float | None
    prices: Path | None
    as_json: bool


def carry_out(order: Order) -> None:
    """Makes the ensembles, rebuilds the report, tells.

    Raises:
        UserError: something was asked that cannot be done.
    """
    if order.max_cost_ms is not None and not order.max_cost_ms > 0:
        raise UserError(f"--max-cost {order.max_cost_ms:g}: expected milliseconds per image, more than 0.")
    store, prices = Store(order.runs), load_prices(order.prices)
    candidates = find(store, order.data, order.members)
    for run in candidates.left_out:
        print(f"{run.run_id} is left out: {run.reason}.", file=sys.stderr)
    workbench = Workbench(store, candidates, Protocol(order.folds, order.repeats, order.seed), order.max_cost_ms)
    if order.method == EVERY:
        with one_thread():
            comparison = compare(workbench, lambda line: print(line, file=sys.stderr))
        page = publish(store, comparison.ensembles[0].result.data, order.reports, prices)
        tell_comparison(comparison, page, order.as_json)
    else:
        with one_thread():
            stored = workbench.ensemble(order.method)
        page = publish(store, stored.result.data, order.reports, prices)
        tell_ensemble(stored.result, page, order.as_json)
