"""A smoothed bootstrap of macro F1, for few images and rare classes.

The plain bootstrap is overconfident: a rare class that was hit on both of its images is hit on all of them in every
resample. Here the images of a class are drawn from its own and from `PSEUDO_IMAGES` more, which are images of the whole
sample turned to that class, so that each class is drawn towards the mean of all.

The sampling of the images is not known either. If class sizes are set, as by a stratified split, macro F1 of a sample
is hardly biased; if they are drawn too, it is too low. A resample does the one or the other with even odds.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from ensembles.metrics import Labels, f1_of, macro_f1

# Of 0 to 3 the one whose intervals came nearest to 95 % (tests/perf/ensembles_coverage.py); 0 is the plain bootstrap.
PSEUDO_IMAGES = 2
# Draws that are held at a time: with 50,000 images of 1,000 classes, 100 MB.
BATCH = 500

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class SmoothedSample:
    """Images, their pseudo-images, and the estimate: macro F1 of one side, or of one side minus that of another.

    A side is one set of predictions, or several whose macro F1 is averaged; P counts them over both sides. Images that
    share their label and all predictions are one kind, J in all, and are drawn together.

    Args:
        labels: int (N,), in range(n_classes).
        sides: one or two of int (R, N), in range(n_classes).
        n_classes: C.
    """

    def __init__(self, labels: Labels, sides: list[Labels], n_classes: int) -> None:
        predictions = np.concatenate(sides)
        scores = [macro_f1(labels, row, n_classes) for row in predictions]
        self.n_classes = n_classes
        self.repeats = [len(side) for side in sides]
        self.is_difference = len(sides) == 2
        self.estimate = float(self._difference(np.array(scores)))
        self.support = np.bincount(labels, minlength=n_classes)
        self.pseudo_share = PSEUDO_IMAGES / (self.support + PSEUDO_IMAGES)
        rows = np.vstack([labels, predictions]).astype(np.intp)
        kinds, self.images = np.unique(rows, axis=1, return_counts=True)
        self.label, self.predictions = kinds[0], kinds[1:]
        self.donors, self.donor_quarters = self._donors()
        self.smoothed = self._smoothed()

    def drawn_and_true(self, rng: np.random.Generator, resamples: int) -> tuple[Floats, Floats]:
        """The estimate (B,) in B resamples, and its true value (B,) in the population that they are drawn from."""
        batches = np.full(-(-resamples // BATCH), BATCH)
        batches[-1] -= batches.sum() - resamples
        drawn, true = zip(*(self._batch(rng, batch) for batch in batches), strict=True)
        return np.concatenate(drawn), np.concatenate(true)

    def _batch(self, rng: np.random.Generator, resamples: int) -> tuple[Floats, Floats]:
        n_pseudo = rng.binomial(self.support, self.pseudo_share, (resamples, self.n_classes))
        weights = self._weights(rng, resamples)
        hits, total = self._tally(self._draws(rng, n_pseudo) * weights[:, self.label])
        pseudo_hits, pseudo_total = self._tally_pseudo(rng, n_pseudo, weights)
        drawn = f1_of(hits + pseudo_hits, total + pseudo_total).mean(axis=-1)
        true = self.smoothed[:, None] + self._unseen(rng, resamples)
        return self._difference(drawn), self._difference(true)

    def _difference(self, values: Floats) -> Floats:
        """Mean over the first side's rows of values (P, ...), minus that over the second's."""
        first, *others = (side.mean(axis=0) for side in np.split(values, np.cumsum(self.repeats)[:-1]))
        difference: Floats = first - sum(others)
        return difference

    def _donors(self) -> tuple[Ints, Ints]:
        """Donors of pseudo-images: how many classes the predictions are off (P, D), and quarter images (D,).

        N hits out of N must leave some doubt. Added to the images of the sample are two, or a quarter for each class,
        that all predictions hit, as many that all miss, and half an image for each way in which the sides differ.
        """
        off = (self.predictions - self.label) % self.n_classes
        ways = np.array(list(product((0, 1), repeat=len(self.repeats))))
        quarters = np.where(ways.min(axis=1) == ways.max(axis=1), max(8, self.n_classes), 2)
        doubts = np.repeat(ways.T, self.repeats, axis=0)
        return np.hstack([off, doubts]), np.append(4 * self.images, quarters)

    def _smoothed(self) -> Floats:
        """Macro F1 (P,) of the population that is drawn from, in which classes without images count 0."""
        hits, total = self._tally((self.images * (1 - self.pseudo_share[self.label]))[None])
        quarters = np.stack([np.bincount(row, self.donor_quarters, self.n_classes) for row in self.donors])
        share = quarters / self.donor_quarters.sum()
        classes = np.arange(self.n_classes)
        turned = share[:, (classes - classes[:, None]) % self.n_classes]
        pseudo = self.support * self.pseudo_share
        f1 = f1_of(hits[:, 0] + pseudo * share[:, :1], total[:, 0] + pseudo + pseudo @ turned)
        scores: Floats = f1.mean(axis=-1)
        return scores

    def _unseen(self, rng: np.random.Generator, resamples: int) -> Floats:
        """Possible share of classes without images in macro F1 (P, B): for each the hits among its pseudo-images."""
        n_unseen = int(np.sum(self.support == 0))
        off = self._donated(rng, resamples * n_unseen * PSEUDO_IMAGES).reshape(len(self.donors), resamples, -1)
        added: Floats = (off == 0).sum(axis=2) / (PSEUDO_IMAGES * self.n_classes)
        return added

    def _donated(self, rng: np.random.Generator, n_pseudo: int) -> Ints:
        """How many classes the predictions of random donors are off: (P, n_pseudo)."""
        table = np.repeat(np.arange(self.donors.shape[1]), self.donor_quarters)
        return self.donors[:, table[rng.integers(len(table), size=n_pseudo)]]

    def _weights(self, rng: np.random.Generator, resamples: int) -> Floats:
        """Of the images of each class (B, C): 1 if class sizes are set, else with the spread of drawn sizes.

        Sizes are not drawn outright: a class of one image would drop out of every third resample.
        """
        spread = rng.standard_gamma(self.support, (resamples, self.n_classes)) / np.maximum(self.support, 1)
        return np.where(rng.random((resamples, 1)) < 0.5, spread, 1.0)

    def _draws(self, rng: np.random.Generator, n_pseudo: NDArray[np.int64]) -> Floats:
        """Counts of each kind (B, J), if n_pseudo (B, C) images of each class are pseudo-images."""
        drawn = np.empty((len(n_pseudo), len(self.images)))
        for label in np.flatnonzero(self.support):
            own = self.label == label
            share = self.images[own] / self.support[label]
            drawn[:, own] = rng.multinomial(self.support[label] - n_pseudo[:, label], share)
        return drawn

    def _tally(self, drawn: Floats) -> tuple[Floats, Floats]:
        """Hits, and images plus predictions, both (P, B, C), in B draws of kinds (B, J)."""
        draws = drawn.astype(np.float32)
        one_hot = np.eye(self.n_classes, dtype=np.float32)
        label, predictions = one_hot[self.label], one_hot[self.predictions]
        hits = np.stack([draws @ (label * predicted) for predicted in predictions])
        total = np.stack([draws @ (label + predicted) for predicted in predictions])
        return hits.astype(np.float64), total.astype(np.float64)

    def _tally_pseudo(
        self, rng: np.random.Generator, n_pseudo: NDArray[np.int64], weights: Floats
    ) -> tuple[Floats, Floats]:
        """The same in draws of n_pseudo (B, C) pseudo-images: donors whose label is turned, and predictions with it."""
        cell = np.repeat(np.arange(n_pseudo.size), n_pseudo.ravel())
        draw, label = np.divmod(cell, self.n_classes)
        weight = weights.ravel()[cell]
        off = self._donated(rng, len(cell))
        predicted = draw * self.n_classes + (label + off) % self.n_classes
        images = np.bincount(cell, weight, n_pseudo.size)
        hits = [np.bincount(cell[row == 0], weight[row == 0], n_pseudo.size) for row in off]
        total = [images + np.bincount(row, weight, n_pseudo.size) for row in predicted]
        shape = len(off), *n_pseudo.shape
        return np.reshape(hits, shape), np.reshape(total, shape)
