"""Intervals for macro F1 and for differences of it that hold with few images and rare classes.

What is estimated: the macro F1 of fixed predictions on the population that the images were drawn from, the mean over C
classes of 2 P(label = c, predicted = c) / (P(label = c) + P(predicted = c)). The noise of another training seed is no
part of it.

The usual bootstrap intervals are too narrow here: a rare class that was hit on both of its images is hit on all of
them in every resample, and one that came up empty stays so. These resample from a smoothed sample, in which every class
has `PSEUDO_IMAGES` images more: images of the sample turned to that class, so that each class is drawn towards what is
known of all. The deviation of the resamples gives the width, their mean gives the bias, which is taken off:

    estimate - bias +- t * deviation

`tests/perf/ensembles_coverage.py` measures how often such intervals hold the truth, next to the usual ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from ensembles.metrics import Labels, macro_f1

PSEUDO_IMAGES = 2.0
MIN_IMAGES = 40
MIN_IMAGES_PER_CLASS = 5
METHOD = "smoothed bootstrap, bias-corrected normal"

Counts = NDArray[np.float32]


@dataclass(frozen=True)
class Interval:
    """Two bounds, the share of intervals of this kind that hold the truth, and how they were found."""

    low: float
    high: float
    level: float
    method: str


def macro_f1_interval(
    labels: Labels, predicted: Labels, n_classes: int, *, seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> Interval | None:
    """Interval for the macro F1 of these predictions on the population.

    Args:
        labels: int (N,), in range(n_classes).
        predicted: int (N,); or (R, N), R sets of predictions whose mean macro F1 is meant (see `CrossFit`).
        n_classes: C.
        seed: of the resampling.
        resamples: how many.
        level: the share of intervals that shall hold the truth.

    Returns:
        The interval, within 0 and 1; None where `too_few_images`.

    Raises:
        ValueError: shapes differ, or a value lies outside range(n_classes).
    """
    predictions = np.atleast_2d(predicted)
    signs = np.full(len(predictions), 1 / len(predictions))
    sample = _Sample(labels, predictions, n_classes)
    return _interval(sample, signs, least=0, seed=seed, resamples=resamples, level=level)


def paired_difference_interval(
    labels: Labels,
    predicted_a: Labels,
    predicted_b: Labels,
    n_classes: int,
    *,
    seed: int = 0,
    resamples: int = 2000,
    level: float = 0.95,
) -> Interval | None:
    """Interval for macro F1 of a minus macro F1 of b, both on the same images.

    Arguments, result and errors are those of `macro_f1_interval`; bounds are within -1 and 1. Where it holds 0, the
    two cannot be told apart. Predictions that are all the same give 0 to 0.
    """
    a, b = np.atleast_2d(predicted_a), np.atleast_2d(predicted_b)
    signs = np.concatenate([np.full(len(a), 1 / len(a)), np.full(len(b), -1 / len(b))])
    sample = _Sample(labels, np.concatenate([a, b]), n_classes)
    return _interval(sample, signs, least=-1, seed=seed, resamples=resamples, level=level)


def too_few_images(n_images: int, n_classes: int) -> bool:
    """Whether an interval would not be honest: fewer than 40 images, or than five a class."""
    return n_images < max(MIN_IMAGES, MIN_IMAGES_PER_CLASS * n_classes)


class _Sample:
    """Images with P predictions each, the pseudo-images that smooth them, and macro F1 of draws from both.

    Images that share their label and all predictions are one kind, and are drawn together. Drawn are Poisson numbers
    of each kind, whose sum is N on average: F1 does not change with the scale of its counts, and independent numbers
    are drawn three times faster than multinomial ones.
    """

    def __init__(self, labels: Labels, predictions: Labels, n_classes: int) -> None:
        self.scores = np.array([macro_f1(labels, row, n_classes) for row in predictions])
        self.n_classes = n_classes
        self.n_images = len(labels)
        rows = np.vstack([labels, predictions]).astype(np.intp)
        self.kinds, self.images = np.unique(rows, axis=1, return_counts=True)
        self.share_real = self.n_images / (self.n_images + PSEUDO_IMAGES * n_classes)

    def smoothed_scores(self) -> NDArray[np.float64]:
        """Macro F1 (P,) of the smoothed sample, in which a pseudo-image is a hit as often as an image is."""
        hits, total = self._tally(self.images[None])
        hit_rate = (hits.sum(axis=2, keepdims=True) + 0.5) / (self.n_images + 1)
        return _macro_f1(hits + PSEUDO_IMAGES * hit_rate, total + 2 * PSEUDO_IMAGES)[:, 0]

    def resampled_scores(self, rng: np.random.Generator, resamples: int) -> NDArray[np.float64]:
        """Macro F1 (P, B) of B draws of about N images from the smoothed sample."""
        drawn = rng.poisson(self.images * self.share_real, (resamples, len(self.images)))
        pseudo = rng.poisson(self.n_images * (1 - self.share_real), resamples)
        hits, total = self._tally(drawn)
        pseudo_hits, pseudo_total = self._tally_pseudo(rng, pseudo)
        return _macro_f1(hits + pseudo_hits, total + pseudo_total)

    def _tally(self, drawn: NDArray[np.intp]) -> tuple[Counts, Counts]:
        """Hits, and images plus predictions, both (P, B, C), in B draws of kinds (B, J)."""
        draws = drawn.astype(np.float32)
        label, *predictions = np.eye(self.n_classes, dtype=np.float32)[self.kinds]
        hits = np.stack([draws @ (label * predicted) for predicted in predictions])
        total = np.stack([draws @ (label + predicted) for predicted in predictions])
        return hits, total

    def _tally_pseudo(self, rng: np.random.Generator, pseudo: NDArray[np.int64]) -> tuple[Counts, Counts]:
        """The same in B draws of `pseudo` (B,) pseudo-images.

        Each is a random image whose label and predictions are moved on by the same random number of classes: hits
        stay hits, and predictions that agree still do. To the N images come half of one that all predictions hit and
        half of one that all miss, so that N hits out of N leave some doubt.
        """
        kinds = np.column_stack([self.kinds, np.zeros(len(self.kinds), np.intp), np.arange(len(self.kinds)) > 0])
        donors = np.repeat(np.arange(kinds.shape[1]), np.append(2 * self.images, [1, 1]))
        n_pseudo = int(pseudo.sum())
        moved = kinds[:, donors[rng.integers(len(donors), size=n_pseudo)]]
        label, *predictions = (moved + rng.integers(self.n_classes, size=n_pseudo)) % self.n_classes
        draw = np.repeat(np.arange(len(pseudo)), pseudo)
        images = self._count(draw, label, len(pseudo))
        hits = [self._count(draw[label == row], label[label == row], len(pseudo)) for row in predictions]
        total = [images + self._count(draw, row, len(pseudo)) for row in predictions]
        return np.stack(hits), np.stack(total)

    def _count(self, draw: NDArray[np.intp], label: NDArray[np.intp], draws: int) -> Counts:
        """How often each class comes in each draw: (B, C)."""
        cells = np.bincount(draw * self.n_classes + label, minlength=draws * self.n_classes)
        return cells.reshape(draws, self.n_classes).astype(np.float32)


def _interval(
    sample: _Sample, signs: NDArray[np.float64], *, least: float, seed: int, resamples: int, level: float
) -> Interval | None:
    """Interval for `signs` (P,) times the macro F1 of P predictions, cut off at `least` and 1."""
    if too_few_images(sample.n_images, sample.n_classes):
        return None
    drawn = sample.resampled_scores(np.random.default_rng(seed), resamples)
    deviations = signs @ (drawn - sample.smoothed_scores()[:, None])
    # Student's quantile, told that as many rates are estimated as there are classes.
    reach = stdtrit(sample.n_images - sample.n_classes, (1 + level) / 2) * deviations.std()
    centre = signs @ sample.scores - deviations.mean()
    low, high = np.clip([centre - reach, centre + reach], least, 1)
    return Interval(float(low), float(high), level, METHOD)


def _macro_f1(hits: Counts, total: Counts) -> NDArray[np.float64]:
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    scores: NDArray[np.float64] = f1.mean(axis=-1, dtype=np.float64)
    return scores
