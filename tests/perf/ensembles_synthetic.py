"""Predictions of imaginary models whose truth is known, in the shape of the flower task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax


@dataclass(frozen=True)
class World:
    """Models as fixed distributions, from which any number of images can be drawn.

    Each image is harder or easier for all models alike, each model has its own skill and its own blind classes, and
    confuses a class with a few neighbours; class sizes fall geometrically by `imbalance`.
    """

    n_models: int
    n_classes: int
    skill: float = 12.0
    spread: float = 0.6
    imbalance: float = 40.0
    seed: int = 0

    def draw(self, n_images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """probs float32 (M, N, C) and labels int (N,)."""
        traits = np.random.default_rng(self.seed)
        frequency = np.geomspace(self.imbalance, 1, self.n_classes)
        confusion = 2.0 * traits.standard_normal((self.n_classes, self.n_classes))
        skill = self.skill + self.spread * traits.standard_normal(self.n_models)
        class_skill = traits.standard_normal((self.n_models, self.n_classes))
        rng = np.random.default_rng([self.seed, seed])
        labels = rng.choice(self.n_classes, n_images, p=frequency / frequency.sum())
        shared = confusion[labels] + 1.5 * rng.standard_normal((n_images, self.n_classes))
        probs = np.empty((self.n_models, n_images, self.n_classes), dtype=np.float32)
        for model in range(self.n_models):
            logits = shared + rng.standard_normal((n_images, self.n_classes))
            logits[np.arange(n_images), labels] += skill[model] + class_skill[model, labels]
            probs[model] = softmax(logits, axis=1)
        return probs, labels


def distinct(n_models: int, n_images: int, n_classes: int, seed: int = 0, **traits) -> tuple[np.ndarray, np.ndarray]:
    """One draw of a world of its own."""
    return World(n_models, n_classes, seed=seed, **traits).draw(n_images, seed=0)
