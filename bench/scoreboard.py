"""topK for cross-fitting: what every candidate says of every validation image is looked up once, not in every fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ensembles.base import Images, Probs
from ensembles.mean import TopK
from ensembles.metrics import Labels, macro_f1
from ensembles.pooling import log_of


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

    def __deepcopy__(self, memo: dict[int, Any]) -> Scoreboard:
        """Itself: nobody changes it, and cross-fitting copies every combiner for every fold."""
        return self

    def best_first(self, images: Images) -> list[int]:
        """Members by falling macro F1 on these images, then rising log-loss, then index; as `ensembles.mean` has it."""
        labels = self.labels[images]
        keys = [
            (-macro_f1(labels, row[images], self.classes), -float(np.mean(logs[images], dtype=np.float64)))
            for row, logs in zip(self.predicted, self.true_logs, strict=True)
        ]
        return sorted(range(len(keys)), key=keys.__getitem__)


class BoardTopK(TopK):
    """`TopK` that ranks by a scoreboard, on the stack that the scoreboard was made of.

    Args:
        board: of the probabilities that it is fitted on, or will be on some images of.
    """

    def __init__(self, board: Scoreboard, k: int, families: Sequence[str] | None = None) -> None:
        super().__init__(k, families)
        self.board = board

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        chosen = self._capped(self.board.best_first(images), n_images=len(labels[images]))[: self.k]
        self.weights = np.zeros(len(probs))
        self.weights[chosen] = 1 / len(chosen)
