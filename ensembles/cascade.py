"""Cheap members first, dear ones only for the images that the cheap ones are unsure of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensembles.base import Combiner, Images, Probs
from ensembles.metrics import Labels, macro_f1

# Thresholds tried: so many quantiles of the confidences that were seen.
THRESHOLDS = 50


@dataclass(frozen=True)
class Operation:
    """One way to run a cascade, and what it gave on the images it was fitted on.

    Attributes:
        stages: members in the order in which they are run.
        threshold: an image goes on where the highest mean probability so far is below.
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
    """Runs members from cheap to dear until the mean of those run so far is sure enough.

    Stages are the members that no cheaper one equals in macro F1; how many of them, and the threshold, are those with
    the best macro F1 (among equals the cheapest) whose mean cost is within `max_cost`.

    Args:
        costs: of each member per image, in any unit; None: all the same, the weakest member first.
        max_cost: the highest mean cost per image; the cheapest cascade if none is below. None: no limit.

    Attributes set by `fit`:
        operation: the one chosen. `weights` are its members' shares in all stages run.
        front: every `Operation` than which none is both cheaper and better, by rising cost.
    """

    operation: Operation
    front: list[Operation]

    def __init__(self, costs: Sequence[float] | None = None, max_cost: float | None = None) -> None:
        self.costs = costs
        self.max_cost = max_cost

    def mean_cost(self, probs: Probs) -> float:
        """What running these images (M, N, C) costs per image."""
        costs = self._costs(len(probs))
        _, reach = _run(probs, self.operation.stages, self.operation.threshold)
        return float(sum(share * costs[stage] for share, stage in zip(reach, self.operation.stages, strict=True)))

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        self.front = _front(self._operations(probs[:, images], labels[images]))
        limit = np.inf if self.max_cost is None else self.max_cost
        affordable = [operation for operation in self.front if operation.cost <= limit]
        self.operation = affordable[-1] if affordable else self.front[0]
        self.weights = np.zeros(len(probs))
        self.weights[list(self.operation.stages)] = self.operation.reach
        self.weights /= self.weights.sum()

    def _predict(self, probs: Probs) -> Probs:
        return _run(probs, self.operation.stages, self.operation.threshold)[0]

    def _costs(self, n_members: int) -> NDArray[np.float64]:
        costs = np.ones(n_members) if self.costs is None else np.asarray(self.costs, dtype=np.float64)
        if costs.shape != (n_members,):
            raise ValueError(f"costs: expected one for each of {n_members} members, got {len(costs)}")
        return costs

    def _operations(self, probs: Probs, labels: Labels) -> list[Operation]:
        """All cascades tried: each number of stages with each threshold that differs on these images."""
        costs = self._costs(len(probs))
        scores = [macro_f1(labels, rows.argmax(axis=1), probs.shape[2]) for rows in probs]
        stages = _stages(costs, scores)
        operations = []
        for n_stages in range(1, len(stages) + 1):
            for threshold in _thresholds(probs, stages[:n_stages]):
                predicted, reach = _run(probs, stages[:n_stages], threshold)
                # What no image reached is no part of it, else it would have to be at hand for nothing.
                used = stages[: np.count_nonzero(reach)]
                cost = float(np.dot(reach[: len(used)], costs[list(used)]))
                score = macro_f1(labels, predicted.argmax(axis=1), probs.shape[2])
                operations.append(Operation(used, threshold, cost, score, tuple(reach[: len(used)])))
        return operations


def _stages(costs: NDArray[np.float64], scores: list[float]) -> tuple[int, ...]:
    """Members by rising cost (then score, then index) that beat all before them; with equal costs every step up."""
    stages: list[int] = []
    for member in sorted(range(len(scores)), key=lambda m: (costs[m], scores[m], m)):
        if not stages or scores[member] > scores[stages[-1]]:
            stages.append(member)
    return tuple(stages)


def _thresholds(probs: Probs, stages: tuple[int, ...]) -> list[float]:
    if len(stages) == 1:
        return [0.0]
    confidence = np.concatenate([probs[stage].max(axis=1) for stage in stages[:-1]])
    return [float(t) for t in np.unique(np.quantile(confidence, np.linspace(0, 1, THRESHOLDS)))]


def _run(probs: Probs, stages: tuple[int, ...], threshold: float) -> tuple[Probs, list[float]]:
    """Probabilities (N, C), and the share of the images that each stage was run on."""
    total = np.zeros(probs.shape[1:])
    still = np.arange(probs.shape[1])
    reach = []
    for n_before, stage in enumerate(stages):
        reach.append(len(still) / probs.shape[1])
        mean = (total[still] * n_before + probs[stage, still]) / (n_before + 1)
        total[still] = mean
        still = still[mean.max(axis=1) < threshold]
    return total.astype(np.float32), reach


def _front(operations: list[Operation]) -> list[Operation]:
    front: list[Operation] = []
    for operation in sorted(operations, key=lambda o: (o.cost, -o.macro_f1)):
        if not front or operation.macro_f1 > front[-1].macro_f1:
            front.append(operation)
    return front
