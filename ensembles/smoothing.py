"""A smoothed bootstrap of macro F1, for few images and rare classes.

The plain bootstrap is too sure of itself: a rare class that was hit on both of its images is hit on all of them in
every resample, and one that came up empty stays so. Here every class has `PSEUDO_IMAGES` images more, which are images
of the sample turned to that class, so that each class is drawn towards what is known of all.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from ensembles.metrics import Labels, macro_f1

# Of 0 to 3 the one whose intervals came nearest to 95 % (tests/perf/ensembles_coverage.py); 0 is the plain bootstrap.
PSEUDO_IMAGES = 2.0
# So many draws are held at a time: with 50,000 images of 1,000 classes, 100 MB.
BATCH = 500

Floats = NDArray[np.float64]
Counts = NDArray[np.float32]


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
        self.n_images = len(labels)
        self.repeats = [len(side) for side in sides]
        self.is_difference = len(sides) == 2
        self.estimate = float(self._difference(np.array(scores)))
        rows = np.vstack([labels, predictions]).astype(np.intp)
        self.kinds, self.images = np.unique(rows, axis=1, return_counts=True)
        self.share_real = self.n_images / (self.n_images + PSEUDO_IMAGES * n_classes)

    def smoothed(self) -> float:
        """The estimate in the smoothed sample."""
        donors, images = self._donors()
        hit_rate = (donors[1:] == donors[0]) @ images / images.sum()
        hits, total = self._tally(self.images[None])
        f1 = _macro_f1(hits + PSEUDO_IMAGES * hit_rate[:, None, None], total + 2 * PSEUDO_IMAGES)
        return float(self._difference(f1)[0])

    def resampled(self, rng: np.random.Generator, resamples: int) -> Floats:
        """The estimate (B,) in B draws of about N images from the smoothed sample."""
        batches = np.full(-(-resamples // BATCH), BATCH)
        batches[-1] -= batches.sum() - resamples
        return np.concatenate([self._resampled(rng, batch) for batch in batches])

    def _resampled(self, rng: np.random.Generator, resamples: int) -> Floats:
        """One batch.

        Drawn are Poisson numbers of each kind, whose sum is N on average: F1 does not change with the scale of its
        counts, and independent numbers are drawn three times faster than multinomial ones.
        """
        drawn = rng.poisson(self.images * self.share_real, (resamples, len(self.images)))
        n_pseudo = rng.poisson(self.n_images * (1 - self.share_real), resamples)
        hits, total = self._tally(drawn)
        pseudo_hits, pseudo_total = self._tally_pseudo(rng, n_pseudo)
        return self._difference(_macro_f1(hits + pseudo_hits, total + pseudo_total))

    def _difference(self, values: Floats) -> Floats:
        """Mean over the first side's rows of values (P, ...), minus that over the second's."""
        first, *others = (side.mean(axis=0) for side in np.split(values, np.cumsum(self.repeats)[:-1]))
        difference: Floats = first - sum(others)
        return difference

    def _tally(self, drawn: NDArray[np.intp]) -> tuple[Counts, Counts]:
        """Hits, and images plus predictions, both (P, B, C), in B draws of kinds (B, J)."""
        draws = drawn.astype(np.float32)
        label, *predictions = np.eye(self.n_classes, dtype=np.float32)[self.kinds]
        hits = np.stack([draws @ (label * predicted) for predicted in predictions])
        total = np.stack([draws @ (label + predicted) for predicted in predictions])
        return hits, total

    def _tally_pseudo(self, rng: np.random.Generator, n_pseudo: NDArray[np.int64]) -> tuple[Counts, Counts]:
        """The same in B draws of n_pseudo (B,) pseudo-images.

        Each is a donor whose label and predictions are moved on by the same random number of classes: hits stay hits,
        and predictions that agree still do.
        """
        donors, images = self._donors()
        table = np.repeat(np.arange(len(images)), (2 * images).astype(np.intp))
        moved = donors[:, table[rng.integers(len(table), size=n_pseudo.sum())]]
        label, *predictions = (moved + rng.integers(self.n_classes, size=n_pseudo.sum())) % self.n_classes
        draw = np.repeat(np.arange(len(n_pseudo)), n_pseudo)
        labels_drawn = self._count(draw, label, len(n_pseudo))
        hits = [self._count(draw[label == row], label[label == row], len(n_pseudo)) for row in predictions]
        total = [labels_drawn + self._count(draw, row, len(n_pseudo)) for row in predictions]
        return np.stack(hits), np.stack(total)

    def _donors(self) -> tuple[NDArray[np.intp], Floats]:
        """What pseudo-images are made of, label and predictions (1 + P, D), and how many images each stands for (D,).

        The images of the sample, and half an image for each way in which the sides can hit or miss: N hits out of N, or
        N images on which both sides agree, shall leave some doubt.
        """
        side_predictions = np.array(list(product((0, 1), repeat=len(self.repeats)))).T
        doubts = np.repeat(side_predictions, self.repeats, axis=0)
        doubts = np.vstack([np.zeros(doubts.shape[1], dtype=np.intp), doubts])
        images = np.append(self.images, np.full(doubts.shape[1], 0.5))
        return np.hstack([self.kinds, doubts]), images

    def _count(self, draw: NDArray[np.intp], label: NDArray[np.intp], n_draws: int) -> Counts:
        """How often each class comes in each draw: (B, C)."""
        cells = np.bincount(draw * self.n_classes + label, minlength=n_draws * self.n_classes)
        return cells.reshape(n_draws, self.n_classes).astype(np.float32)


def _macro_f1(hits: Counts, total: Counts) -> Floats:
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    scores: Floats = f1.mean(axis=-1, dtype=np.float64)
    return scores
