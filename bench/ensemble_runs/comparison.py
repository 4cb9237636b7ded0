"""`bench ensemble all`: every method on the same candidates and folds, and what the noise allows to say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.ensemble_runs.methods import ALL, NotApplicableError, too_large
from bench.ensemble_runs.ties import Marks, alike_ensembles
from bench.ensemble_runs.workbench import Workbench
from bench.environment import cores
from bench.store.ensemble_result import Combination
from bench.store.store import StoredRun

BASELINE_LABEL = "(best single run)"
THREADS = 4  # of methods made at a time: each holds a copy of what is held out, and there is one slow one


@dataclass(frozen=True)
class Comparison:
    """Methods on the same candidates, best first.

    Attributes:
        ensembles: one a method.
        single: the best single run.
        tied: names of those that cannot be told apart from the first.
        skipped: methods that were not tried, and why.
    """

    ensembles: tuple[StoredRun, ...]
    single: StoredRun
    tied: frozenset[str]
    skipped: Mapping[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """One row a method and one for taking the best single run, by falling cross-fitted F1."""
        rows = [self._row(stored) for stored in self.ensembles]
        return sorted([*rows, self._baseline_row()], key=lambda row: (-row["cross_fitted"], row["method"]))

    def _row(self, stored: StoredRun) -> dict[str, Any]:
        combination, cost = _combination(stored), stored.result.cost
        return {
            "method": combination.method,
            "cross_fitted": combination.cross_fitted,
            "low": combination.cross_fitted_low,
            "high": combination.cross_fitted_high,
            "fitted": combination.fit_score,
            "gain": combination.gain,
            "gain_low": combination.gain_low,
            "gain_high": combination.gain_high,
            "tied_with_first": stored.run_id in self.tied,
            "members": len(combination.members),
            "members_train_seconds": combination.members_train_seconds,
            "ms_per_image": cost.inference_ms_per_image,
            "test": stored.result.metrics.test_macro_f1,
            "run_id": stored.run_id,
        }

    def _baseline_row(self) -> dict[str, Any]:
        first = _combination(self.ensembles[0])
        return dict.fromkeys(self._row(self.ensembles[0])) | {
            "method": BASELINE_LABEL,
            "cross_fitted": first.best_single_cross_fitted,
            "tied_with_first": first.gain_low is None or first.gain_low <= 0,
            "members": 1,
            "members_train_seconds": self.single.result.cost.train_seconds_full,
            "ms_per_image": self.single.result.cost.inference_ms_per_image,
            "test": self.single.result.metrics.test_macro_f1,
            "run_id": self.single.run_id,
        }


def compare(workbench: Workbench, tell: Callable[[str], object]) -> Comparison:
    """Makes every method's ensemble.

    Args:
        workbench: the candidates.
        tell: is given a line as each method is done.

    Raises:
        NotApplicableError: no method can be used on these candidates; the first one's reason.
    """
    skipped = {method: reason for method in ALL if (reason := too_large(method, workbench.candidates))}
    made: list[StoredRun] = []
    for method, outcome in _outcomes(workbench, [method for method in ALL if method not in skipped]):
        if isinstance(outcome, NotApplicableError):
            skipped[method] = str(outcome)
        else:
            made.append(outcome)
            tell(f"{method}: cross-fitted macro F1 {_combination(outcome).cross_fitted:.3f}")
    for method, reason in skipped.items():
        tell(f"{method} is left out: {reason}")
    if not made:
        raise NotApplicableError(next(iter(skipped.values())))
    ranked = tuple(sorted(made, key=lambda stored: (-_combination(stored).cross_fitted, stored.run_id)))
    single = workbench.store.get(_combination(ranked[0]).best_single)
    alike = alike_ensembles(ranked, Marks(workbench.store))
    return Comparison(ranked, single, frozenset(run_id for run_id, tied in alike.items() if tied), skipped)


def _outcomes(workbench: Workbench, methods: Sequence[str]) -> Iterator[tuple[str, StoredRun | NotApplicableError]]:
    """Each method's ensemble or why there is none, in order, made side by side: numpy lets go of the interpreter."""

    def attempt(method: str) -> StoredRun | NotApplicableError:
        try:
            return workbench.ensemble(method)
        except NotApplicableError as error:
            return error

    workbench.prepare(methods)
    with ThreadPoolExecutor(min(THREADS, cores())) as pool:
        # The slowest first; told of in the usual order.
        futures = {method: pool.submit(attempt, method) for method in reversed(methods)}
        yield from ((method, futures[method].result()) for method in methods)


def _combination(stored: StoredRun) -> Combination:
    if stored.result.combination is None:
        raise ValueError(f"{stored.run_id} is not an ensemble")
    return stored.result.combination
