"""Every method on the same candidates and folds, with differences within the noise marked: `bench ensemble all`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.ensemble_runs.methods import ALL, NotApplicableError, skip_reason
from bench.ensemble_runs.ties import Marks, compare_ensembles
from bench.ensemble_runs.workbench import Workbench
from bench.environment import cores
from bench.store.store import StoredRun

BASELINE_LABEL = "(best single run)"
THREADS = 4  # methods made at a time: each holds a copy of the held-out arrays, and only one is slow


@dataclass(frozen=True)
class Comparison:
    """Methods on the same candidates, best first.

    Attributes:
        ensembles: one per method.
        single: the best single run.
        tied: names of ensembles that cannot be told apart from the first.
        skipped: method -> reason why it was not made.
    """

    ensembles: tuple[StoredRun, ...]
    single: StoredRun
    tied: frozenset[str]
    skipped: Mapping[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """One row per method and one for taking the best single run, by falling cross-fitted F1."""
        rows = [self._row(stored) for stored in self.ensembles]
        return sorted([*rows, self._baseline_row()], key=lambda row: (-row["cross_fitted"], row["method"]))

    def _row(self, stored: StoredRun) -> dict[str, Any]:
        combination, cost = stored.combination, stored.result.cost
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
        first = self.ensembles[0].combination
        return dict.fromkeys(self._row(self.ensembles[0])) | {
            "method": BASELINE_LABEL,
            "cross_fitted": first.best_single_cross_fitted,
            "tied_with_first": first.gain_low is None or first.gain_low <= 0,
            "members": 1,
            "members_train_seconds": self.single.result.cost.steady_seconds,
            "ms_per_image": self.single.result.cost.inference_ms_per_image,
            "test": self.single.result.metrics.test_macro_f1,
            "run_id": self.single.run_id,
        }


def compare(workbench: Workbench, tell: Callable[[str], object]) -> Comparison:
    """Makes every method's ensemble.

    Args:
        workbench: the candidates.
        tell: called with one line of text for each method.

    Raises:
        NotApplicableError: no method can be used on these candidates; the first one's reason.
    """
    skipped = {method: reason for method in ALL if (reason := skip_reason(method, workbench.candidates))}
    made: list[StoredRun] = []
    for method, outcome in _outcomes(workbench, [method for method in ALL if method not in skipped]):
        if isinstance(outcome, NotApplicableError):
            skipped[method] = str(outcome)
        else:
            made.append(outcome)
            tell(f"{method}: cross-fitted macro F1 {outcome.combination.cross_fitted:.3f}")
    for method, reason in skipped.items():
        tell(f"{method} is left out: {reason}")
    if not made:
        raise NotApplicableError(next(iter(skipped.values())))
    ranked = tuple(sorted(made, key=lambda stored: (-stored.combination.cross_fitted, stored.run_id)))
    single = workbench.store.get(ranked[0].combination.best_single)
    compared = compare_ensembles(ranked, Marks(workbench.store))
    tied = frozenset({ranked[0].run_id} | {run_id for run_id, one in compared.items() if one.tied})
    return Comparison(ranked, single, tied, skipped)


def _outcomes(workbench: Workbench, methods: Sequence[str]) -> Iterator[tuple[str, StoredRun | NotApplicableError]]:
    """Each method's ensemble or the reason against it, in order; made in threads, since numpy releases the GIL."""

    def attempt(method: str) -> StoredRun | NotApplicableError:
        try:
            return workbench.ensemble(method)
        except NotApplicableError as error:
            return error

    workbench.prepare(methods)
    with ThreadPoolExecutor(min(THREADS, cores())) as pool:
        # The slowest starts first.
        futures = {method: pool.submit(attempt, method) for method in reversed(methods)}
        yield from ((method, futures[method].result()) for method in methods)


def conclusion(rows: Sequence[Mapping[str, Any]]) -> str:
    """Whether the first row of a comparison differs from the others by more than the noise."""
    first, *others = rows
    if rows[-1]["low"] is None and first["low"] is None:
        return "With so few images no two methods can be told apart."
    tied = [row["method"] for row in others if row["tied_with_first"]]
    if first["method"] == BASELINE_LABEL:
        return "No ensemble is better than the best single run."
    if not others or len(tied) == len(others):
        return f"All differences from {first['method']} are within the noise."
    within = f"within the noise of it: {', '.join(tied)}" if tied else "every other is below it by more than the noise"
    return f"{first['method']} is first; {within}."
