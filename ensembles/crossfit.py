"""Cross-fitting: the score of a combiner on images that it was not fitted on, from validation predictions.

R times, the images are dealt into K stratified folds; a combiner is fitted anew on K - 1 folds and applied to the last.
The N held-out predictions are pooled, and macro F1 is computed once over all C labels: a mean of F1 over folds would
lose the rare classes, which are missing from most folds.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensembles.base import Combiner, Probs, checked_labels, checked_probs
from ensembles.metrics import Labels, macro_f1

# Held-out images that are predicted, and so copied beside the stack, at a time.
BLOCK_IMAGES = 256


@dataclass(frozen=True, eq=False)
class CrossFit:
    """Held-out predictions of a combiner and their scores.

    Attributes:
        probs: float32 (R, N, C), for each repeat the probabilities of each image when it was held out.
        predicted: int (R, N), their argmax.
        scores: float64 (R,), macro F1 of each repeat's N pooled predictions.
    """

    probs: Probs
    predicted: NDArray[np.intp]
    scores: NDArray[np.float64]

    @property
    def score(self) -> float:
        """The cross-fitted macro F1: mean of the repeats."""
        return float(self.scores.mean())


def cross_fit(
    combiner: Combiner, probs: Probs, labels: Labels, *, folds: int = 5, repeats: int = 5, seed: int = 0
) -> CrossFit:
    """Cross-fit a combiner, which is not changed.

    Args:
        combiner: fitted or not; each fold fits a copy.
        probs: float32 (M, N, C), rows sum to 1.
        labels: int (N,).
        folds: K, from 2 to N.
        repeats: R, each with folds of its own.
        seed: of the folds. Combiners that are compared must be given the same.

    Raises:
        ValueError: as `Combiner.fit`; folds outside 2 to N; repeats below 1.
    """
    probs = checked_probs(probs)
    labels = checked_labels(labels, probs)
    if not 2 <= folds <= len(labels) or repeats < 1:
        raise ValueError(f"folds = {folds}, repeats = {repeats}: expected 2 to {len(labels)} folds, 1 repeat or more")
    rng = np.random.default_rng(seed)
    held_out = np.stack(
        [_held_out(combiner, probs, labels, stratified_folds(labels, folds, rng)) for _ in range(repeats)]
    )
    predicted = held_out.argmax(axis=2)
    scores = np.array([macro_f1(labels, row, probs.shape[2]) for row in predicted])
    return CrossFit(held_out, predicted, scores)


def stratified_folds(labels: Labels, folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The fold of each image: int (N,), in range(folds). Sizes differ by at most one, in total and within a class.

    Images are dealt out like cards, class after class, so that a class of one image is allowed (scikit-learn's
    StratifiedKFold warns of such a class, and refuses if all are small).
    """
    class_order = rng.permutation(int(labels.max()) + 1)
    order = np.lexsort((rng.random(len(labels)), class_order[labels]))
    fold = np.empty(len(labels), dtype=np.intp)
    fold[order] = (rng.integers(folds) + np.arange(len(labels))) % folds
    return fold


def _held_out(combiner: Combiner, probs: Probs, labels: Labels, fold: NDArray[np.intp]) -> Probs:
    held_out = np.empty(probs.shape[1:], dtype=np.float32)
    for k in np.unique(fold):
        fitted = copy.copy(combiner)
        fitted._fit(probs, labels, np.flatnonzero(fold != k))
        inside = np.flatnonzero(fold == k)
        for block in np.array_split(inside, len(inside) // BLOCK_IMAGES + 1):
            held_out[block] = fitted._predict(probs, block)
    return held_out
