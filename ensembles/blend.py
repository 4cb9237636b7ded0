"""A weighted product of the members' probabilities, fitted by maximum likelihood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls
from scipy.special import log_softmax

from ensembles.base import Combiner, Images, Probs, Weights
from ensembles.formula import Formula
from ensembles.metrics import Labels
from ensembles.pooling import log_of

# Images whose logarithms are held beside the stack at a time.
BLOCK_IMAGES = 192
# Of the penalty PULL / 2 |exponents - 1/M|^2, beside one log-loss for each image. Fitted on 40 images, 0.1 gave a
# log-loss of 0.53 on fresh ones, 1 to 10 of 0.32 to 0.37; from 150 images on it makes no difference.
PULL = 3.0
# Newton steps: six to nine are enough.
MAX_STEPS = 50
# A gain in log-loss below the noise of its float32 sum.
NO_GAIN = 1e-7


class Blend(Combiner):
    """softmax(sum over members of exponent * log-probability), exponents >= 0, with the least log-loss.

    The exponents need not sum to 1: a sum above 1 sharpens, below 1 softens, so a temperature is part of it. They are
    drawn to 1/M, the geometric mean, as strongly as by three images: this decides between twins, and keeps exponents
    finite if a few images are all classified correctly.

    Attributes set by `fit`:
        exponents: float64 (M,), not negative; `weights` are their shares.
    """

    exponents: Weights

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        loss = _LogLoss(probs, labels, images)
        exponents = np.full(len(probs), 1 / len(probs))
        value, gradient, hessian = loss.at(exponents)
        for _ in range(MAX_STEPS):
            step = _newton_target(exponents, gradient, hessian) - exponents
            expected = -float(gradient @ step)
            if expected < NO_GAIN:
                break
            exponents, (value, gradient, hessian) = _shortened(loss, exponents, step, value, expected)
        # All exponents are 0 if no member is informative: then all members count alike.
        self.exponents = exponents if exponents.any() else np.full(len(probs), 1 / len(probs))
        self.weights = self.exponents / self.exponents.sum()

    def formula(self) -> Formula:
        """A product."""
        return replace(super().formula(), exponents=self.exponents[self.models_used])


Expansion = tuple[float, NDArray[np.float64], NDArray[np.float64]]


class _LogLoss:
    """The penalised log-loss of exponents (M,), with gradient and Hessian, summed over blocks of images.

    With z the pooled logits, p their softmax and L the members' log-probabilities: gradient E[L (p - y)], Hessian
    E[L diag(p) L' - (L p)(L p)'].
    """

    def __init__(self, probs: Probs, labels: Labels, images: Images) -> None:
        self.probs = probs
        self.labels = labels
        self.images = np.arange(len(labels))[images]

    def at(self, exponents: Weights) -> Expansion:
        """Value, gradient (M,) and Hessian (M, M)."""
        n_members, n_images = len(self.probs), len(self.images)
        away = exponents - 1 / n_members
        value, gradient, hessian = PULL * float(away @ away) / 2, PULL * away, PULL * np.eye(n_members)
        for start in range(0, n_images, BLOCK_IMAGES):
            more = self._block(exponents.astype(np.float32), self.images[start : start + BLOCK_IMAGES])
            value, gradient, hessian = value + more[0], gradient + more[1], hessian + more[2]
        return value / n_images, gradient / n_images, hessian / n_images

    def _block(self, exponents: NDArray[np.float32], images: NDArray[np.intp]) -> Expansion:
        logs = log_of(self.probs[:, images])
        logits = np.tensordot(exponents, logs, axes=1)
        log_pooled = log_softmax(logits, axis=1)
        pooled = np.exp(log_pooled)
        rows, true = np.arange(len(pooled)), self.labels[images]
        value = -log_pooled[rows, true].sum(dtype=np.float64)
        flat = logs.reshape(len(logs), -1)
        mean_logs = np.einsum("mnc,nc->mn", logs, pooled)
        gradient = (mean_logs - logs[:, rows, true]).sum(axis=1, dtype=np.float64)
        hessian = (flat * pooled.ravel()) @ flat.T - mean_logs @ mean_logs.T
        return float(value), gradient, hessian.astype(np.float64)


def _newton_target(exponents: Weights, gradient: NDArray[np.float64], hessian: NDArray[np.float64]) -> Weights:
    """Where the quadratic expansion is least among exponents >= 0, found as non-negative least squares."""
    # float32 sums can leave a Hessian a little short of positive; the penalty alone is 1/N.
    ridge = 1e-6 * np.trace(hessian) / len(hessian) * np.eye(len(hessian))
    root = cholesky(hessian + ridge)
    target: Weights = nnls(root, root @ exponents - solve_triangular(root, gradient, trans="T"))[0]
    return target


def _shortened(
    loss: _LogLoss, exponents: Weights, step: Weights, value: float, expected: float
) -> tuple[Weights, Expansion]:
    """The step, halved until the loss falls by at least a tenth of what its slope predicts."""
    length = 1.0
    while True:
        there = loss.at(exponents + length * step)
        if there[0] <= value - 0.1 * length * expected or length < 1e-3:
            return exponents + length * step, there
        length /= 2
