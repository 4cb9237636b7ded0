"""Device-seconds of training turned into dollars. Computed whenever it is asked for, never stored: prices change."""

from __future__ import annotations

from collections.abc import Mapping

from bench.prices import Prices
from bench.result import Result

SECONDS_PER_HOUR = 3600


def training_usd(result: Result, known: Mapping[str, Result], prices: Prices) -> float | None:
    """What training a run cost, or all candidates of an ensemble, each on its own device.

    Args:
        result: a run or an ensemble.
        known: run_id -> result, of all runs in the store.

    Returns:
        Dollars; None where a device has no price, a run no seconds, or a candidate is no longer there.
    """
    costs = [_own_usd(run, prices) for run in _trained(result, known).values()]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def _trained(result: Result, known: Mapping[str, Result]) -> dict[str, Result | None]:
    """By name, the runs that had to be trained for it; of ensembles among the candidates, theirs. None: gone."""
    if result.combination is None:
        return {result.run_id: result}
    found: dict[str, Result | None] = {}
    for name in result.combination.candidates:
        found |= _trained(known[name], known) if name in known else {name: None}
    return found


def _own_usd(run: Result | None, prices: Prices) -> float | None:
    price = None if run is None else prices.of(run.setup.device)
    if run is None or price is None or run.cost.train_seconds_full is None:
        return None
    return run.cost.train_seconds_full * run.setup.replicas / SECONDS_PER_HOUR * price.usd_per_hour
