"""topK for cross-fitting: what every candidate says of every validation image is looked up once, not in every fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ensembles.base import Images, Probs, Weights
from ensembles.crossfit import CrossFit, stratified_folds
from ensembles.mean import TopK
from ensembles.metrics import Labels, macro_f1
from ensembles.pooling import linear_pool, log_of


class Scoreboard:
    """Predicted classes and log-probabilities of the true class, both (M, N), of one stack of probabilities.

    Args:
        probs: float32 (M, N, C).
        labels: int (N,).
    """

    def __init__(self, probs: Probs, labels: Labels) -> None:
        self.labels = labels
        self.classes = probs.shape[2]
        self.predicted = np.stack([rows.argmax(axis=1) for rows in probs])
        self.true_logs: npt.NDArray[np.float32] = log_of(probs[:, np.arange(len(labels)), labels])

    def best_first(self, images: Images) -> list[int]:
        """Members by falling macro F1 on these images, then rising log-loss, then index; as `ensembles.mean` has it."""
        labels = self.labels[images]
        keys = [
            (-macro_f1(labels, row[images], self.classes), -float(np.mean(logs[images], dtype=np.float64)))
            for row, logs in zip(self.predicted, self.true_logs, strict=True)
        ]
        return sorted(range(len(keys)), key=keys.__getitem__)


def cross_fit_top(combiner: BoardTopK, probs: Probs, *, folds: int, repeats: int, seed: int) -> CrossFit:
    """What `ensembles.cross_fit` gives for this combiner, from the same folds, but only members that are used are read.

    Args:
        combiner: of the scoreboard of `probs`.
        probs: float32 (M, N, C).
        folds: K.
        repeats: R.
        seed: of the folds.
    """
    labels, rng = combiner.board.labels, np.random.default_rng(seed)
    dealt = [stratified_folds(labels, folds, rng) for _ in range(repeats)]
    held_out = np.stack([_held_out(combiner, probs, fold) for fold in dealt])
    predicted = held_out.argmax(axis=2)
    return CrossFit(held_out, predicted, np.array([macro_f1(labels, row, probs.shape[2]) for row in predicted]))


def _held_out(combiner: BoardTopK, probs: Probs, fold: npt.NDArray[np.intp]) -> Probs:
    held_out = np.empty(probs.shape[1:], dtype=np.float32)
    for k in np.unique(fold):
        inside = np.flatnonzero(fold == k)
        weights = combiner.weights_from(np.flatnonzero(fold != k))
        used = np.flatnonzero(weights)
        held_out[inside] = linear_pool(probs[used[:, None], inside], weights[used])
    return held_out


class BoardTopK(TopK):
    """`TopK` that ranks by a scoreboard, on the stack that the scoreboard was made of.

    Args:
        board: of the probabilities that it is fitted on, or will be on some images of.
    """

    def __init__(self, board: Scoreboard, k: int, families: Sequence[str] | None = None) -> None:
        super().__init__(k, families)
        self.board = board

    def weights_from(self, images: Images) -> Weights:
        """What the weights are when it is fitted on these images."""
        chosen = self._capped(self.board.best_first(images), n_images=len(self.board.labels[images]))[: self.k]
        weights = np.zeros(len(self.board.predicted))
        weights[chosen] = 1 / len(chosen)
        return weights

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        self.weights = self.weights_from(images)
