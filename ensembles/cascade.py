"""Cascades: cheap members first, expensive ones only for images that the cheap ones are unsure of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ensembles.base import Combiner, Images, Probs, checked_costs, checked_probs
from ensembles.formula import Formula
from ensembles.metrics import Labels, macro_f1
from ensembles.pooling import last_stage, running_means

# Search space: cascades of up to three stages out of six candidates, with 25 thresholds each. Twice the thresholds, or
# four stages out of eight, took two to six times as long and scored the same on fresh images.
MAX_STAGES = 3
MAX_CANDIDATES = 6
THRESHOLDS = 25


@dataclass(frozen=True)
class Operation:
    """One way to run a cascade, with its cost and score on the images it was fitted on.

    Attributes:
        stages: members in the order in which they are run.
        threshold: an image goes on to the next stage while its highest mean probability is below.
        cost: mean cost per image, in the unit of the costs.
        macro_f1: the score.
        reach: share of the images that each stage is run on, the first being 1.
    """

    stages: tuple[int, ...]
    threshold: float
    cost: float
    macro_f1: float
    reach: tuple[float, ...]


class Cascade(Combiner):
    """Runs members by rising cost until the mean of those run so far is sure enough.

    Candidates are members that no cheaper one equals in macro F1. Of all cascades tried, the one with the best macro F1
    (among equals the cheapest) whose mean cost is within `max_cost` is chosen.

    Args:
        costs: of each member per image, in any unit; None: all the same, with which only the best member is used.
        max_cost: the highest mean cost per image; the cheapest cascade if none is below. None: no limit.

    Attributes set by `fit`:
        operation: the chosen one. `weights` are the shares of its members in all stages run.
        front: the Pareto front of cost and macro F1, by rising cost.
    """

    operation: Operation
    front: list[Operation]

    def __init__(self, costs: Sequence[float] | None = None, max_cost: float | None = None) -> None:
        self.costs = costs
        self.max_cost = max_cost

    def mean_cost(self, probs: Probs) -> float:
        """Mean cost per image of running these images (M, N, C)."""
        reach = _Run(checked_probs(probs), self.operation.stages).reach(self.operation.threshold)
        return float(reach @ checked_costs(self.costs, len(probs))[list(self.operation.stages)])

    def choose(self, max_cost: float | None) -> None:
        """Take the best of `front` within this mean cost per image, or the cheapest if none is. None: no limit."""
        within = [operation for operation in self.front if max_cost is None or operation.cost <= max_cost]
        self.operation = within[-1] if within else self.front[0]
        self.weights = np.zeros(len(self.weights))
        self.weights[list(self.operation.stages)] = self.operation.reach
        self.weights /= self.weights.sum()

    def formula(self) -> Formula:
        """Stages and threshold of the operation."""
        stages = tuple(self.models_used.index(stage) for stage in self.operation.stages)
        return replace(super().formula(), stages=stages, threshold=self.operation.threshold)

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        costs = checked_costs(self.costs, len(probs))
        scores = [macro_f1(labels[images], rows[images].argmax(axis=1), probs.shape[2]) for rows in probs]
        candidates = _thinned(_candidates(costs, scores))
        self.front = _front(_operations(probs[candidates][:, images], labels[images], costs, candidates))
        self.weights = np.zeros(len(probs))
        self.choose(self.max_cost)


class _Run:
    """Predictions of each of S stages for every image, as if all stages were run on all images."""

    def __init__(self, probs: Probs, stages: Sequence[int]) -> None:
        self.means = running_means(probs[list(stages)])
        self.predicted = self.means.argmax(axis=2)
        self.confidence = self.means.max(axis=2)

    def reach(self, threshold: float) -> NDArray[np.float64]:
        """Share (S,) of the images that each stage is run on."""
        last = last_stage(self.confidence, threshold)
        return np.array([np.mean(last >= stage) for stage in range(len(self.means))])

    def thresholds(self) -> list[float]:
        """Quantiles of the confidence before the last stage; 0 for a single stage."""
        if len(self.means) == 1:
            return [0.0]
        quantiles = np.quantile(self.confidence[:-1], np.linspace(0, 1, THRESHOLDS))
        return [float(threshold) for threshold in np.unique(quantiles)]


def _candidates(costs: NDArray[np.float64], scores: list[float]) -> list[int]:
    """Members by rising cost, each better than all before."""
    chosen: list[int] = []
    for member in sorted(range(len(scores)), key=lambda m: (costs[m], -scores[m], m)):
        if not chosen or scores[member] > scores[chosen[-1]]:
            chosen.append(member)
    return chosen


def _thinned(members: list[int]) -> list[int]:
    """At most `MAX_CANDIDATES` of the members, evenly spread, the first and the last included."""
    if len(members) <= MAX_CANDIDATES:
        return members
    return [members[round(place)] for place in np.linspace(0, len(members) - 1, MAX_CANDIDATES)]


def _operations(probs: Probs, labels: Labels, costs: NDArray[np.float64], candidates: list[int]) -> Iterator[Operation]:
    """Every cascade of the search space, from the probabilities of the candidates."""
    for n_stages in range(1, MAX_STAGES + 1):
        for places in combinations(range(len(candidates)), n_stages):
            run, stages = _Run(probs, places), [candidates[place] for place in places]
            for threshold in run.thresholds():
                yield _operation(run, labels, costs, stages, threshold)


def _operation(run: _Run, labels: Labels, costs: NDArray[np.float64], stages: list[int], threshold: float) -> Operation:
    reach = run.reach(threshold)
    # A stage that no image reaches is dropped, else its network would have to be loaded for nothing.
    used = np.count_nonzero(reach)
    predicted = run.predicted[last_stage(run.confidence, threshold), np.arange(len(labels))]
    return Operation(
        stages=tuple(stages[:used]),
        threshold=threshold,
        cost=float(reach @ costs[stages]),
        macro_f1=macro_f1(labels, predicted, run.means.shape[2]),
        reach=tuple(float(share) for share in reach[:used]),
    )


def _front(operations: Iterable[Operation]) -> list[Operation]:
    front: list[Operation] = []
    for operation in sorted(operations, key=lambda o: (o.cost, -o.macro_f1)):
        if not front or operation.macro_f1 > front[-1].macro_f1:
            front.append(operation)
    return front
