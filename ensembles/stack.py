"""A logistic regression on the log-probabilities of all members.

It overfits: M*C columns, and as many weights for each class, against N images. Its score on the images it was fitted
on is the best of all methods and means nothing; its cross-fitted score counts. At 104 classes it is slow: a fit tries
four penalties on three folds, seconds each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ensembles.base import Combiner, Images, Probs
from ensembles.crossfit import stratified_folds
from ensembles.formula import Formula
from ensembles.metrics import Labels, log_loss
from ensembles.pooling import log_columns, log_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# Inverse strengths of the L2 penalty to choose from, strongest first.
STRENGTHS = (0.001, 0.01, 0.1, 1.0)


class Stack(Combiner):
    """StandardScaler and LogisticRegression on log-probabilities, the penalty chosen by log-loss over inner folds.

    A class without an image among those it is fitted on gets probability 0. `weights` are the shares of the members'
    columns in the sum of absolute coefficients.

    Args:
        inner_folds: for the choice of the penalty.
        seed: of the inner folds.

    Attributes set by `fit`:
        strength: the inverse penalty that was chosen.
    """

    strength: float

    def __init__(self, inner_folds: int = 3, seed: int = 0) -> None:
        self.inner_folds = inner_folds
        self.seed = seed

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        probs, labels = probs[:, images], labels[images]
        if len(np.unique(labels)) < 2:
            raise ValueError(f"labels: stacking needs images of at least two classes, got only {labels[0]}")
        columns, n_classes = log_columns(probs), probs.shape[2]
        losses = {strength: self._inner_loss(columns, labels, n_classes, strength) for strength in STRENGTHS}
        self.strength = min(losses, key=losses.__getitem__)
        self.pipeline = _fitted(columns, labels, self.strength)
        coefficients = np.abs(self.pipeline[-1].coef_).reshape(-1, *probs.shape[::2])
        shares = coefficients.sum(axis=(0, 2), dtype=np.float64)
        self.weights = shares / shares.sum()

    def formula(self) -> Formula:
        """The regression, with its scaler multiplied into the coefficients: columns are plain log-probabilities."""
        scaler, regression = self.pipeline[0], self.pipeline[-1]
        coefficients = (regression.coef_ / scaler.scale_).astype(np.float64)
        by_member = coefficients.reshape(len(coefficients), len(self.weights), -1)[:, self.models_used]
        arrays = {
            "coefficients": by_member.reshape(len(coefficients), -1),
            "intercepts": regression.intercept_ - coefficients @ scaler.mean_,
            "stacked_classes": regression.classes_,
        }
        return replace(super().formula(), arrays=arrays)

    def _inner_loss(self, columns: Any, labels: Labels, n_classes: int, strength: float) -> float:
        fold = stratified_folds(labels, self.inner_folds, np.random.default_rng(self.seed))
        held_out = np.zeros((len(labels), n_classes), dtype=np.float32)
        for k in range(self.inner_folds):
            inside = fold == k
            if len(np.unique(labels[~inside])) > 1:
                pipeline = _fitted(columns[~inside], labels[~inside], strength)
                held_out[np.ix_(inside, pipeline.classes_)] = pipeline.predict_proba(columns[inside])
        return log_loss(labels, log_of(held_out))


def _fitted(columns: Any, labels: Labels, strength: float) -> Pipeline:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=strength, tol=1e-3, max_iter=1000)
    return make_pipeline(StandardScaler(), regression).fit(columns, labels)
