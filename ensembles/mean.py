"""Means with equal weights: of all members, geometric, and of the K best on validation."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ensembles.base import Combiner, Images, Probs
from ensembles.formula import Formula
from ensembles.metrics import Labels, macro_f1
from ensembles.pooling import log_of

# Below this many validation images a leaderboard's top places often go to near-copies of one lucky model; AutoGluon's
# rule then takes at most two of a kind.
FAMILY_CAP_BELOW_IMAGES = 5000


class Mean(Combiner):
    """Mean of the probabilities of all members; no parameter is fitted."""

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        self.weights = np.full(len(probs), 1 / len(probs))


class GeometricMean(Mean):
    """Geometric mean of the probabilities of all members, rows scaled to sum 1: a confident "no" weighs more."""

    def formula(self) -> Formula:
        """A product."""
        return replace(super().formula(), exponents=self.weights)


class TopK(Combiner):
    """Mean of the K members with the best macro F1; all of them if there are fewer. K = 1 is the best single run.

    Args:
        k: number of members.
        families: M names. With fewer than 5,000 images, members of a family beyond `max_per_family` are taken only
            when no other family is left. None: every member is a family of its own.
        max_per_family: see `families`.
        board: of the arrays passed to `fit` or `cross_fit`, whose folds then rank without reading them again. None:
            computed by each fit.

    Example:
        >>> probs = np.array([[[0.9, 0.1], [0.8, 0.2]], [[0.6, 0.4], [0.3, 0.7]]], dtype=np.float32)
        >>> TopK(1).fit(probs, np.array([0, 1])).models_used
        [1]
    """

    def __init__(
        self, k: int, families: Sequence[str] | None = None, *, max_per_family: int = 2, board: Scoreboard | None = None
    ) -> None:
        if k < 1 or max_per_family < 1:
            raise ValueError(f"k = {k}, max_per_family = {max_per_family}: expected at least 1")
        self.k = k
        self.families = families
        self.max_per_family = max_per_family
        self.board = board

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        ranked = (self.board or Scoreboard(probs, labels)).best_first(images)
        # Of all images, in a fold as in the refit: a fold of fewer must not be fitted by another rule.
        chosen = self._capped(ranked, n_images=len(labels))[: self.k]
        self.weights = np.zeros(len(probs))
        self.weights[chosen] = 1 / len(chosen)

    def _capped(self, ranked: list[int], n_images: int) -> list[int]:
        """Ranked members with those beyond the cap of their family moved to the end."""
        if self.families is None or n_images >= FAMILY_CAP_BELOW_IMAGES:
            return ranked
        if len(self.families) != len(ranked):
            raise ValueError(f"families: expected one name for each of {len(ranked)} members, got {len(self.families)}")
        first: list[int] = []
        rest: list[int] = []
        seen: Counter[str] = Counter()
        for member in ranked:
            seen[self.families[member]] += 1
            (first if seen[self.families[member]] <= self.max_per_family else rest).append(member)
        return first + rest


class Scoreboard:
    """Predicted classes and log-probabilities of the true class, by which members are ranked.

    Args:
        probs: float32 (M, N, C).
        labels: int (N,).
        others: of each member, the probabilities (N, C) of its other seeds: a member is ranked by the means over all
            its seeds. None: every member has one.
    """

    def __init__(self, probs: Probs, labels: Labels, others: Sequence[Iterable[Probs]] | None = None) -> None:
        self.labels = labels
        self.n_classes = probs.shape[2]
        self.by_seed: list[NDArray[np.intp]] = []  # M of (S, N)
        self.true_logs: list[NDArray[np.float32]] = []
        for rows, more in zip(probs, others or [()] * len(probs), strict=True):
            seeds = [(each.argmax(axis=1), each[np.arange(len(labels)), labels]) for each in (rows, *more)]
            self.by_seed.append(np.stack([predicted for predicted, _ in seeds]))
            self.true_logs.append(log_of(np.stack([true for _, true in seeds])))
        self.predicted = np.stack([predicted[0] for predicted in self.by_seed])

    def part(self, members: Sequence[int] | None = None, images: Images = slice(None)) -> Scoreboard:
        """The board of some members (None: all) and images."""
        chosen = range(len(self.by_seed)) if members is None else members
        part = copy.copy(self)
        part.labels = self.labels[images]
        part.by_seed = [self.by_seed[member][:, images] for member in chosen]
        part.true_logs = [self.true_logs[member][:, images] for member in chosen]
        part.predicted = self.predicted[list(chosen)][:, images]
        return part

    def best_first(self, images: Images = slice(None)) -> list[int]:
        """Members by falling macro F1 on these images, then rising log-loss, both means over seeds, then index."""
        labels = self.labels[images]
        keys = [
            (
                -float(np.mean([macro_f1(labels, row[images], self.n_classes) for row in rows])),
                -float(np.mean(logs[:, images], dtype=np.float64)),
            )
            for rows, logs in zip(self.by_seed, self.true_logs, strict=True)
        ]
        return sorted(range(len(keys)), key=keys.__getitem__)
