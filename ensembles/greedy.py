"""Greedy selection with replacement (Caruana et al., "Ensemble selection from libraries of models", ICML 2004)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensembles.base import Combiner, Images, Probs, checked_costs
from ensembles.metrics import Labels, f1_of
from ensembles.pooling import TINY

# Scores nearer than this are the same score: the order of a float64 sum moves them by a few 1e-16.
TIE = 1e-12
# Rows added up together: few enough to stay in the processor's cache, whatever the number of members.
BLOCK = 4096


@dataclass(frozen=True)
class Step:
    """One pick, and the ensemble with it.

    Attributes:
        member: index of the member picked.
        macro_f1: of the ensemble so far, on the images it is fitted on.
        log_loss: likewise, in nats.
        members: number of different members.
    """

    member: int
    macro_f1: float
    log_loss: float
    members: int


class Greedy(Combiner):
    """Picks, again and again, the member whose addition to the mean gives the best macro F1; keeps the best prefix.

    Ties go to those that are already in, then to the lower log-loss of the ensemble, then to the lower cost, then to
    the lower index; among equal prefixes to the lower log-loss.

    Args:
        picks: number of picks.
        costs: of each member, in any unit, for ties only.

    Attributes set by `fit`:
        trajectory: a `Step` for each pick, those after the best prefix included.
        kept: length of the best prefix; weights are shares of it.
    """

    trajectory: list[Step]
    kept: int

    def __init__(self, picks: int = 25, costs: Sequence[float] | None = None) -> None:
        if picks < 1:
            raise ValueError(f"picks = {picks}: expected at least 1")
        self.picks = picks
        self.costs = costs

    def _fit(self, probs: Probs, labels: Labels, images: Images) -> None:
        race, costs = _Race(probs, labels, images), checked_costs(self.costs, len(probs))
        self.trajectory = [_pick(race, costs) for _ in range(self.picks)]
        best = max(step.macro_f1 for step in self.trajectory) - TIE
        # The longest or the shortest of equal prefixes is worse on fresh images: by 0.1 and 0.5 points after 53 images.
        kept = min((step.log_loss, n) for n, step in enumerate(self.trajectory, 1) if step.macro_f1 >= best)
        self.kept = kept[1]
        chosen = [step.member for step in self.trajectory[: self.kept]]
        self.weights = np.bincount(chosen, minlength=len(probs)) / self.kept


def _pick(race: _Race, costs: NDArray[np.float64]) -> Step:
    scores = race.scores_with_each()
    tied = np.flatnonzero(scores >= scores.max() - TIE).tolist()
    candidates = [member for member in tied if member in race.picked] or tied
    # Rounded: twins differ in the last bits of a sum, and the cheaper one is meant to win.
    loss, _, member = min((round(race.log_loss_with(m), 12), costs[m], m) for m in candidates)
    race.add(member)
    return Step(member, float(scores[member]), loss, len(set(race.picked)))


class _Race:
    """The sum of the picked members, and its score with each member added.

    A sum, not a mean: argmax is the same. It is computed only for images whose prediction can change. Images on which
    all members agree are settled before the first pick; of the R others, the contested ones, a member cannot change
    those on which it agrees with the sum, nor those where its highest probability is below the gap between the sum's
    first two.
    """

    def __init__(self, probs: Probs, labels: Labels, images: Images) -> None:
        self.probs = probs
        self.labels = labels
        self.images = np.arange(len(labels))[images]
        self.picked: list[int] = []
        self.true_sum = np.zeros(len(self.images), dtype=np.float32)
        # int32, not the 64 bits of argmax: with few classes these arrays weigh as much as the probabilities.
        top = np.stack([rows[images].argmax(axis=1).astype(np.int32) for rows in probs])
        contested = (top != top[0]).any(axis=0)
        self.contested = self.images[contested]
        self.settled = _counts(labels[self.images[~contested]], top[:1, ~contested], probs.shape[2])
        self.top = top[:, contested]
        self.top_prob = np.stack([rows[self.contested, first] for rows, first in zip(probs, self.top, strict=True)])
        self.sum = np.zeros((len(self.contested), probs.shape[2]), dtype=np.float32)

    def add(self, member: int) -> None:
        """Adds a member to the picked ones."""
        self.sum += self.probs[member, self.contested]
        self.true_sum += self._true_probs(member)
        self.picked.append(member)

    def scores_with_each(self) -> NDArray[np.float64]:
        """Macro F1 (M,) of the ensemble with each member added."""
        predicted = self._predicted_with_each() if self.picked else self.top
        hits, total = _counts(self.labels[self.contested], predicted, self.probs.shape[2])
        f1 = f1_of(self.settled[0] + hits, self.settled[1] + total)
        scores: NDArray[np.float64] = f1.mean(axis=1)
        return scores

    def log_loss_with(self, member: int) -> float:
        """Log-loss of the ensemble with this member added."""
        means = (self.true_sum + self._true_probs(member)) / (len(self.picked) + 1)
        return -float(np.log(np.maximum(means, TINY)).mean(dtype=np.float64))

    def _true_probs(self, member: int) -> NDArray[np.float32]:
        true_probs: NDArray[np.float32] = self.probs[member, self.images, self.labels[self.images]]
        return true_probs

    def _predicted_with_each(self) -> NDArray[np.int32]:
        """Argmax (M, R) of the sum with each member added."""
        top, gap = self._top_and_gap()
        predicted = np.tile(top, (len(self.probs), 1))
        open_cells = np.flatnonzero((self.top != top) & (self.top_prob >= gap))
        for block in np.array_split(open_cells, len(open_cells) // BLOCK + 1):
            member, row = np.divmod(block, len(top))
            predicted[member, row] = (self.probs[member, self.contested[row]] + self.sum[row]).argmax(axis=1)
        return predicted

    def _top_and_gap(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Argmax of the sum, and its lead over the second, both (R,)."""
        rows = np.arange(len(self.sum))
        top = self.sum.argmax(axis=1)
        highest = self.sum[rows, top]
        self.sum[rows, top] = -1
        gap = highest - self.sum.max(axis=1)
        self.sum[rows, top] = highest
        return top.astype(np.int32), gap


def _counts(labels: Labels, predicted: NDArray[np.int32], n_classes: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Hits, and images plus predictions, of each class, both (M, C), from labels (N,) and predictions (M, N)."""
    shape = len(predicted), n_classes
    cells = predicted + n_classes * np.arange(len(predicted), dtype=np.int32)[:, None]
    predictions = np.bincount(cells.ravel(), minlength=shape[0] * n_classes).reshape(shape)
    hits = np.bincount(cells[predicted == labels], minlength=shape[0] * n_classes).reshape(shape)
    return hits, predictions + np.bincount(labels, minlength=n_classes)
