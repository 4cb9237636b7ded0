"""Calibration of probabilities, and two single parameters that are fitted after combining.

A temperature changes no predicted class; a prior adjustment does. Both are chosen on held-out predictions: on the
images of the fit they would correct an overconfidence that other images do not have.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ensembles.base import Combiner, Images, Probs
from ensembles.crossfit import cross_fit, stratified_folds
from ensembles.formula import Formula
from ensembles.metrics import Labels, log_loss, macro_f1
from ensembles.pooling import log_of

# Beyond these the log-loss is flat: nearly one-hot, nearly uniform.
TEMPERATURES = (0.05, 20.0)
# 0 leaves the probabilities as they are; 1 asks for equal class sizes.
PRIOR_EXPONENTS = np.linspace(0, 1, 21)


def brier(labels: Labels, probs: Probs) -> float:
    """Mean squared distance of probabilities (N, C) from the one-hot label, summed over classes: 0 to 2."""
    squares = np.sum(probs.astype(np.float64) ** 2, axis=1)
    true = np.take_along_axis(probs, labels[:, None], axis=1)[:, 0].astype(np.float64)
    return float(np.mean(squares - 2 * true + 1))


@dataclass(frozen=True, eq=False)
class Reliability:
    """Images by confidence, in bins of equal width; empty bins are left out.

    Attributes:
        confidence: float64 (B,), mean of the highest probability.
        accuracy: float64 (B,), share of correct predictions.
        images: int (B,).
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    images: NDArray[np.intp]

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance between confidence and accuracy, weighted by images (Guo et al., ICML 2017)."""
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.images))


def reliability(labels: Labels, probs: Probs, bins: int = 15) -> Reliability:
    """The points of a reliability diagram, from labels (N,) and probabilities (N, C)."""
    confidence = probs.max(axis=1).astype(np.float64)
    right = (probs.argmax(axis=1) == labels).astype(np.float64)
    index = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    images = np.bincount(index, minlength=bins)
    filled = images > 0
    sums = [np.bincount(index, values, minlength=bins)[filled] for values in (confidence, right)]
    return Reliability(sums[0] / images[filled], sums[1] / images[filled], images[filled])


def with_temperature(probs: Probs, temperature: float) -> Probs:
    """softmax(log-probabilities / temperature), (..., C): above 1 softens, below 1 sharpens."""
    scaled: Probs = softmax(log_of(probs) / np.float32(temperature), axis=-1)
    return scaled


def fit_temperature(labels: Labels, probs: Probs) -> float:
    """The temperature with the least log-loss, from labels (N,) and held-out probabilities (N, C)."""
    logs = log_of(probs)

    def loss(log_temperature: float) -> float:
        return log_loss(labels, log_softmax(logs / np.float32(np.exp(log_temperature)), axis=1))

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def cross_fitted_temperature(labels: Labels, probs: Probs, *, folds: int = 5, seed: int = 0) -> Probs:
    """Held-out probabilities (N, C), each fold rescaled by the temperature of the others; for log-loss and ECE."""
    fold = stratified_folds(labels, folds, np.random.default_rng(seed))
    rescaled = np.empty_like(probs)
    for k in range(folds):
        inside = fold == k
        rescaled[inside] = with_temperature(probs[inside], fit_temperature(labels[~inside], probs[~inside]))
    return rescaled


class PriorAdjusted(Combiner):
    """Another combiner's probabilities divided by the class sizes to a power, for macro F1.

    The power is one of 0, 0.05, ... 1, the one with the best macro F1 on predictions held out from the combiner; the
    smallest among equals.

    Args:
        combiner: whose probabilities are adjusted.
        folds: for the held-out predictions.
        seed: of the folds.

    Attributes set by `fit`:
        exponent: the power.
    """

    exponent: float

    def __init__(self, combiner: Combiner, folds: int = 5, seed: int = 0) -> None:
        self.combiner = combiner
        self.folds = folds
        self.seed = seed

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        probs, labels = probs[:, images], labels[images]
        combiner = copy.copy(self.combiner)
        combiner.board = None if self.board is None else self.board.part(images=images)
        n_classes = probs.shape[2]
        sizes = np.bincount(labels, minlength=n_classes) + 1.0
        self.log_prior = np.log(sizes / sizes.sum())
        held_out = cross_fit(combiner, probs, labels, folds=self.folds, repeats=1, seed=self.seed).probs[0]
        logs = log_of(held_out)
        predictions = [(logs - exponent * self.log_prior).argmax(axis=1) for exponent in PRIOR_EXPONENTS]
        scores = [macro_f1(labels, predicted, n_classes) for predicted in predictions]
        self.exponent = float(PRIOR_EXPONENTS[np.argmax(scores)])
        self.fitted = combiner
        self.fitted._fit(probs, labels, slice(None))
        self.weights = self.fitted.weights

    def formula(self) -> Formula:
        """Formula of the fitted combiner, with a shift of its log-probabilities."""
        return replace(self.fitted.formula(), prior_shift=self.exponent * self.log_prior)

    def unwrapped(self) -> tuple[Combiner, list[int]]:
        """The fitted combiner and its members."""
        return self.fitted.unwrapped()
