"""Intervals for macro F1 and for differences of macro F1, valid with few images and rare classes too.

The estimand is the macro F1 of fixed predictions on the population that the images were drawn from: the mean over C
classes of 2 P(label = c, predicted = c) / (P(label = c) + P(predicted = c)). Variation between training seeds is not
included.

The smoothed bootstrap (`ensembles.smoothing`) estimates the bias and the deviation of such a sample. The
interval is estimate - bias +- t * deviation; for a difference as it stands, for a score on the scale of
arcsin(sqrt(score)).

How often the truth was inside, with models of recall 0.4, 0.8 and 0.95 and class sizes both set and drawn
(`tests/perf/ensembles_coverage.py`): 94 to 98 % for 40 images of 8 classes, 93 to 96 % for 150, 94 to 98 % for 3,712 of
104; of the percentile interval 71 to 92 %, 91 to 94 % and 71 to 97 %. No interval is given if `too_few_images`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from ensembles.metrics import Labels
from ensembles.smoothing import SmoothedSample

MIN_IMAGES = 40
MIN_IMAGES_PER_CLASS = 5
METHOD = "smoothed bootstrap, bias-corrected, Student"


@dataclass(frozen=True)
class Interval:
    """Two bounds, the share of such intervals that hold the truth, and the name of the method."""

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
        resamples: number of them.
        level: the share of intervals that shall hold the truth.

    Returns:
        The interval, within 0 and 1; None if `too_few_images`.

    Raises:
        ValueError: shapes differ, or a value lies outside range(n_classes).
    """
    return _interval(labels, [predicted], n_classes, seed, resamples, level)


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

    Arguments, result and errors are those of `macro_f1_interval`; bounds are within -1 and 1. If it holds 0, the two
    cannot be told apart.
    """
    return _interval(labels, [predicted_a, predicted_b], n_classes, seed, resamples, level)


@dataclass(frozen=True)
class Difference:
    """Macro F1 of a minus that of b on the same images, and its noise.

    Attributes:
        estimate: on these images.
        centre: the estimate without the bias of macro F1 of few images.
        deviation: standard error of the centre.
        freedom: degrees of freedom of Student's distribution.
    """

    estimate: float
    centre: float
    deviation: float
    freedom: int

    @property
    def p_value(self) -> float:
        """Two-sided probability of a difference this far from 0, if there were none."""
        if self.deviation == 0:
            return 1.0 if self.centre == 0 else 0.0
        return float(2 * stdtr(self.freedom, -abs(self.centre) / self.deviation))

    def bounds(self, level: float) -> tuple[float, float]:
        """Low and high of the interval of this level, within -1 and 1."""
        reach = float(stdtrit(self.freedom, (1 + level) / 2)) * self.deviation
        return max(self.centre - reach, -1.0), min(self.centre + reach, 1.0)


def paired_difference(
    labels: Labels, predicted_a: Labels, predicted_b: Labels, n_classes: int, *, seed: int = 0, resamples: int = 2000
) -> Difference | None:
    """Macro F1 of a minus that of b with its noise, from which intervals and p-values of any level follow.

    Arguments and errors are those of `paired_difference_interval`; None if `too_few_images`.
    """
    sample = SmoothedSample(labels, [np.atleast_2d(predicted_a), np.atleast_2d(predicted_b)], n_classes)
    if too_few_images(labels, n_classes, difference=True):
        return None
    drawn, true = sample.drawn_and_true(np.random.default_rng(seed), resamples)
    deviations = drawn - true
    centre, deviation = sample.estimate - float(deviations.mean()), float(deviations.std())
    return Difference(sample.estimate, centre, deviation, _freedom(sample))


def _freedom(sample: SmoothedSample) -> int:
    """One degree less for each class, whose rate is estimated."""
    return max(int(sample.support.sum()) - sample.n_classes, 1)


def too_few_images(labels: Labels, n_classes: int, *, difference: bool = False) -> bool:
    """Whether images are too few for an interval that holds its level, from labels (N,).

    True for N below 40 or below 5 C. For a score, though not for a difference, also if the share of missing classes is
    above 1 / sqrt(N): nothing is known of them, and they move macro F1 by as much as its spread.
    """
    n_images = len(labels)
    missing = n_classes - len(np.unique(labels))
    if n_images < max(MIN_IMAGES, MIN_IMAGES_PER_CLASS * n_classes):
        return True
    return not difference and missing * n_images**0.5 > n_classes


def bootstrap_bounds(sample: SmoothedSample, seed: int, resamples: int, level: float) -> tuple[float, float]:
    """Low and high, whatever the size of the sample."""
    drawn, true = sample.drawn_and_true(np.random.default_rng(seed), resamples)
    quantile = float(stdtrit(_freedom(sample), (1 + level) / 2))
    if sample.is_difference:
        low, high = _around(sample.estimate, drawn - true, quantile)
        return max(low, -1), min(high, 1)
    low, high = _around(_angle(sample.estimate), _angle(drawn) - _angle(true), quantile)
    return _score(low), _score(high)


def _around(estimate: float, deviations: NDArray[np.float64], quantile: float) -> tuple[float, float]:
    centre = estimate - float(deviations.mean())
    reach = quantile * float(deviations.std())
    return centre - reach, centre + reach


def _angle(score: Any) -> Any:
    """The scale on which the spread of a share does not depend on the share, and nothing lies beyond 0 or 1."""
    return np.arcsin(np.sqrt(np.clip(score, 0, 1)))


def _score(angle: float) -> float:
    return float(np.sin(np.clip(angle, 0, np.pi / 2)) ** 2)


def _interval(
    labels: Labels, sides: list[Labels], n_classes: int, seed: int, resamples: int, level: float
) -> Interval | None:
    sample = SmoothedSample(labels, [np.atleast_2d(side) for side in sides], n_classes)
    if too_few_images(labels, n_classes, difference=sample.is_difference):
        return None
    return Interval(*bootstrap_bounds(sample, seed, resamples, level), level, METHOD)
