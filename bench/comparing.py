"""`bench ensemble all`: every method on the same candidates and folds, and what the noise allows to say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.combining import Workbench
from bench.methods import ALL, NotApplicableError, too_large
from bench.result import Combination
from bench.store import StoredRun
from bench.ties import Marks, alike_ensembles

BASELINE_LABEL = "(best single run)"


@dataclass(frozen=True)
class Comparison:
    """Methods on the same candidates, best first.

    Attributes:
        ensembles: one a method.
        tied: names of those that cannot be told apart from the first.
        skipped: methods that were not tried, and why.
    """

    ensembles: tuple[StoredRun, ...]
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
            "run_id": first.best_single,
        }


def compare(bench: Workbench, tell: Callable[[str], object]) -> Comparison:
    """Makes every method's ensemble.

    Args:
        bench: the candidates.
        tell: is given a line as each method is done.

    Raises:
        NotApplicableError: no method can be used on these candidates; the first one's reason.
    """
    made: list[StoredRun] = []
    skipped: dict[str, str] = {}
    for method in ALL:
        reason = too_large(method, bench.candidates)
        try:
            if reason is None:
                made.append(bench.ensemble(method))
                tell(f"{method}: cross-fitted macro F1 {_combination(made[-1]).cross_fitted:.3f}")
        except NotApplicableError as error:
            reason = str(error)
        if reason is not None:
            skipped[method] = reason
            tell(f"{method} is left out: {reason}")
    if not made:
        raise NotApplicableError(next(iter(skipped.values())))
    ranked = tuple(sorted(made, key=lambda stored: (-_combination(stored).cross_fitted, stored.run_id)))
    alike = alike_ensembles(ranked, Marks(bench.store))
    return Comparison(ranked, frozenset(run_id for run_id, tied in alike.items() if tied), skipped)


def _combination(stored: StoredRun) -> Combination:
    if stored.result.combination is None:
        raise ValueError(f"{stored.run_id} is not an ensemble")
    return stored.result.combination
