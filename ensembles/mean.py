"""Means with equal weights: of all members, geometric, and of the K best on validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ensembles.base import Combiner, Images, Probs
from ensembles.metrics import Labels, log_loss, macro_f1
from ensembles.pooling import linear_pool, log_of, log_pool

# Below this many validation images a leaderboard's top places often go to near-copies of one lucky model; AutoGluon's
# rule then takes at most two of a kind.
FAMILY_CAP_BELOW_IMAGES = 5000


class Mean(Combiner):
    """Mean of the probabilities of all members. Nothing is learnt."""

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        self.weights = np.full(len(probs), 1 / len(probs))

    def _predict(self, probs: Probs) -> Probs:
        return linear_pool(probs, self.weights)


class GeometricMean(Mean):
    """Geometric mean of the probabilities of all members, rows scaled to sum 1: a confident "no" weighs more."""

    def _predict(self, probs: Probs) -> Probs:
        return log_pool(probs, self.weights)


class TopK(Combiner):
    """Mean of the K members with the best macro F1; all of them if there are fewer. K = 1 is the best single run.

    Args:
        k: how many members.
        families: M names. With fewer than 5,000 images, members of a family beyond `max_per_family` are taken only
            when no other family is left. None: every member is a family of its own.
        max_per_family: see `families`.

    Example:
        >>> probs = np.array([[[0.9, 0.1], [0.8, 0.2]], [[0.6, 0.4], [0.3, 0.7]]], dtype=np.float32)
        >>> TopK(1).fit(probs, np.array([0, 1])).models_used
        [1]
    """

    def __init__(self, k: int, families: Sequence[str] | None = None, *, max_per_family: int = 2) -> None:
        if k < 1 or max_per_family < 1:
            raise ValueError(f"k = {k}, max_per_family = {max_per_family}: expected at least 1")
        self.k = k
        self.families = families
        self.max_per_family = max_per_family

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        ranked = best_first(probs, labels, images)
        chosen = self._capped(ranked, n_images=len(labels[images]))[: self.k]
        self.weights = np.zeros(len(probs))
        self.weights[chosen] = 1 / len(chosen)

    def _predict(self, probs: Probs) -> Probs:
        return linear_pool(probs, self.weights)

    def _capped(self, ranked: list[int], n_images: int) -> list[int]:
        """Ranked members with those beyond the cap of their family moved to the end."""
        if self.families is None or n_images >= FAMILY_CAP_BELOW_IMAGES:
            return ranked
        if len(self.families) != len(ranked):
            raise ValueError(f"families: expected one name for each of {len(ranked)} members, got {len(self.families)}")
        first: list[int] = []
        rest: list[int] = []
        seen: dict[str, int] = {}
        for member in ranked:
            family = self.families[member]
            seen[family] = seen.get(family, 0) + 1
            (first if seen[family] <= self.max_per_family else rest).append(member)
        return first + rest


def best_first(probs: Probs, labels: Labels, images: Images = slice(None)) -> list[int]:
    """Members by falling macro F1 on these images, then rising log-loss, then index."""
    keys = [_key(rows[images], labels[images]) for rows in probs]
    return sorted(range(len(probs)), key=keys.__getitem__)


def _key(rows: Probs, labels: Labels) -> tuple[float, float]:
    true_probs = np.take_along_axis(rows, labels[:, None], axis=1)
    loss = log_loss(np.zeros_like(labels), log_of(true_probs))
    return -macro_f1(labels, rows.argmax(axis=1), rows.shape[1]), loss
