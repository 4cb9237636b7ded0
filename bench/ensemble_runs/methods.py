"""Combiners by name for candidates of a store, with their families, costs and budget."""

from __future__ import annotations

from collections.abc import Sequence

from bench.ensemble_runs.candidates import Candidates
from bench.errors import UserError
from ensembles.affordable import Affordable
from ensembles.base import Combiner
from ensembles.calibration import PriorAdjusted
from ensembles.cascade import Cascade
from ensembles.registry import make

# Suffix of a method: its probabilities are divided by class sizes to a fitted power (`ensembles.calibration`).
PRIOR = "+prior"
# Methods of `bench ensemble all`, quick ones first.
ALL = ("top3", "top5", "mean", "geometric", "greedy", "cascade", "blend", "stack")
# Largest images x members x classes^2, which a stack's time grows with: its 26 fits then take about half a minute.
LARGEST_STACK = 3e7


class NotApplicableError(UserError):
    """A method that cannot be used on these candidates, though others may be."""


def combiner_of(method: str, candidates: Candidates, max_cost_ms: float | None) -> Combiner:
    """An unfitted combiner for these candidates.

    Args:
        method: `topK`, or a name of `ensembles.registry`; with `+prior`, adjusted for class sizes.
        candidates: M runs.
        max_cost_ms: limit of the members' inference time per image, summed; of a cascade, of the mean. None: no limit.

    Raises:
        UserError: an unknown method.
        NotApplicableError: too few candidates, or costs are needed and not known.
    """
    if method.endswith(PRIOR):
        combiner = combiner_of(method.removesuffix(PRIOR), candidates, max_cost_ms)
        if isinstance(combiner, Cascade):
            raise NotApplicableError(
                "A cascade goes by how sure its stages are: it takes no adjustment for class sizes."
            )
        return PriorAdjusted(combiner)
    combiner = _made(method, candidates, range(len(candidates.runs)))
    _check_number(method, combiner, candidates)
    costs = candidates.inference_ms
    if isinstance(combiner, Cascade) or max_cost_ms is not None:
        costs = _known_costs(method, candidates, max_cost_ms)
    if isinstance(combiner, Cascade):
        return Cascade(costs, max_cost_ms)
    if max_cost_ms is None or costs is None:
        return combiner
    return Affordable(lambda members: _made(method, candidates, members), costs, max_cost_ms)


def within_budget(candidates: Candidates, max_cost_ms: float | None) -> list[int]:
    """Indices of the candidates whose own inference time is within the limit."""
    costs = candidates.inference_ms
    if max_cost_ms is None or costs is None:
        return list(range(len(candidates.runs)))
    return [index for index, cost in enumerate(costs) if cost <= max_cost_ms]


def skip_reason(method: str, candidates: Candidates) -> str | None:
    """Reason why `all` skips a method that would take many minutes; None: it does not."""
    images, classes = len(candidates.labels), len(candidates.images.class_names)
    if method != "stack" or images * len(candidates.runs) * classes**2 <= LARGEST_STACK:
        return None
    columns = len(candidates.runs) * classes
    return f"{columns:,} columns and {images:,} images would take many minutes; ask for it by name"


def _made(method: str, candidates: Candidates, members: Sequence[int]) -> Combiner:
    families, costs = candidates.families, candidates.inference_ms
    try:
        return make(
            method,
            families=[families[member] for member in members],
            costs=None if costs is None else [costs[member] for member in members],
        )
    except ValueError as error:
        raise UserError(f"{error}, all.") from None


def _check_number(method: str, combiner: Combiner, candidates: Candidates) -> None:
    wanted = getattr(combiner, "k", 1)
    if len(candidates.runs) < wanted:
        found = f"{len(candidates.runs)}: {', '.join(candidates.names) or 'none'}"
        twins = "".join(f"; {run.run_id} is left out: {run.reason}" for run in candidates.left_out)
        raise NotApplicableError(f"{method} needs {wanted} configurations of one data set; there are {found}{twins}.")


def _known_costs(method: str, candidates: Candidates, max_cost_ms: float | None) -> list[float]:
    costs = candidates.inference_ms
    asked = method if max_cost_ms is None else f"--max-cost {max_cost_ms:g}"
    if costs is None:
        raise NotApplicableError(
            f"{asked} weighs inference times, but {candidates.no_costs_reason()}. Name candidates that can be compared "
            "with --members."
        )
    if max_cost_ms is not None and min(costs) > max_cost_ms:
        cheapest = candidates.names[costs.index(min(costs))]
        raise NotApplicableError(f"{asked}: the cheapest candidate, {cheapest}, takes {min(costs):.3g} ms per image.")
    return costs
