"""Means with equal weights: of all members, geometric, and of the K best on validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

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
    """Predicted classes and log-probabilities of the true class, both (M, N), by which members are ranked.

    Args:
        probs: float32 (M, N, C).
        labels: int (N,).
    """

    def __init__(self, probs: Probs, labels: Labels) -> None:
        self.labels = labels
        self.n_classes = probs.shape[2]
        self.predicted = np.stack([rows.argmax(axis=1) for rows in probs])
        self.true_logs = log_of(probs[:, np.arange(len(labels)), labels])

    def best_first(self, images: Images = slice(None)) -> list[int]:
        """Members by falling macro F1 on these images, then rising log-loss, then index."""
        labels = self.labels[images]
        keys = [
            (-macro_f1(labels, row[images], self.n_classes), -float(np.mean(logs[images], dtype=np.float64)))
            for row, logs in zip(self.predicted, self.true_logs, strict=True)
        ]
        return sorted(range(len(keys)), key=keys.__getitem__)
