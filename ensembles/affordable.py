"""Any combiner within a budget: the costs of its members sum to no more than a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ensembles.base import Combiner, Images, Probs, checked_costs
from ensembles.formula import Formula
from ensembles.mean import Scoreboard
from ensembles.metrics import Labels, macro_f1

# Members no dearer than the whole limit, half of it, a third, a quarter: one good dear member, or several cheap ones.
SHARES = (1, 2, 3, 4)
# The cost of a sum may exceed the limit by the rounding of its terms.
SLACK = 1e-9


class Affordable(Combiner):
    """A combiner of members that together cost no more than a limit.

    The choice of members is fitted: of those no dearer than the limit (half of it, a third, a quarter) the best by
    macro F1, best first, as long as they fit. Of these sets, the one on which the combiner scores best on the images
    it is fitted on is taken, among equals the cheapest.

    Args:
        make: an unfitted combiner for the members of these indices.
        costs: of each member, in any unit.
        limit: of the sum, in the same.

    Attributes set by `fit`:
        members: indices of the members that the combiner is fitted on, ascending.
        fitted: that combiner.
    """

    members: list[int]
    fitted: Combiner

    def __init__(self, make: Callable[[Sequence[int]], Combiner], costs: Sequence[float], limit: float) -> None:
        if min(costs) > limit:
            raise ValueError(f"limit = {limit:g}: expected at least the cost of the cheapest member, {min(costs):g}")
        self.make = make
        self.costs = costs
        self.limit = limit

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        checked_costs(self.costs, len(probs))
        board = self.board or Scoreboard(probs, labels)
        ranked = board.best_first(images)
        sets = sorted({tuple(sorted(self._fitting(ranked, share))) for share in SHARES} - {()})
        outcomes = [self._tried(members, probs, labels, images) for members in sets]
        _, _, place = min((-score, cost, place) for place, (score, cost, _) in enumerate(outcomes))
        self.members, self.fitted = list(sets[place]), outcomes[place][2]
        self.weights = np.zeros(len(probs))
        self.weights[self.members] = self.fitted.weights

    def formula(self) -> Formula:
        """Formula of the fitted combiner."""
        return self.fitted.formula()

    def unwrapped(self) -> tuple[Combiner, list[int]]:
        """The fitted combiner and its members."""
        inner, places = self.fitted.unwrapped()
        return inner, [self.members[place] for place in places]

    def _fitting(self, ranked: list[int], share: int) -> Iterator[int]:
        left = self.limit + SLACK
        for member in ranked:
            if self.costs[member] <= min(left, self.limit / share + SLACK):
                left -= self.costs[member]
                yield member

    def _tried(
        self, members: tuple[int, ...], probs: Probs, labels: Labels, images: Images
    ) -> tuple[float, float, Combiner]:
        """Macro F1 on the images of the fit, cost of the members used, and the fitted combiner."""
        combiner, theirs = self.make(members), probs[list(members)]
        combiner.board = None if self.board is None else self.board.part(members)
        combiner._fit(theirs, labels, images)
        predicted = combiner._predict(theirs, images).argmax(axis=1)
        cost = sum(self.costs[members[used]] for used in combiner.models_used)
        return macro_f1(labels[images], predicted, probs.shape[2]), cost, combiner
