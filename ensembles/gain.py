"""Interval of a gain: macro F1 of an ensemble minus that of the best single run, both chosen on the same images.

The estimand is the refitted gain: what the two, as chosen on these images, differ by on the population. Where runs are
nearly tied, much of the noise is that of choosing, which an interval of fixed predictions misses.

So the choices are made again in resamples of half the images (m-out-of-n bootstrap, Bickel, Goetze and van Zwet,
Statistica Sinica 7, 1997: near ties, resamples as large as the sample mislead). Each has what the data
have: a cross-fitted gain, and a refitted gain, of choices on the whole resample, whose population are all images.
Folds belong to images, so that copies of an image are never on both sides. Their difference times sqrt(1/2) is drawn as
the cross-fitted gain's error is: the interval is basic, the gain minus quantiles of that error.

If all resamples agree, as where every run is nearly always right, that error is 0 and nothing is known of images that
might differ. So the interval also spans that of the held-out predictions as they are, which leaves such doubt
(`ensembles.smoothing`); elsewhere it is the narrower and adds nothing.

Coverage, measured by `tests/perf/ensembles_gain_coverage.py`, is in METHODOLOGY.md.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensembles.affordable import Affordable
from ensembles.base import Combiner, Probs
from ensembles.calibration import PriorAdjusted
from ensembles.crossfit import CrossFit, stratified_folds
from ensembles.greedy import Greedy
from ensembles.mean import Scoreboard, TopK
from ensembles.metrics import Labels, f1_of, macro_f1
from ensembles.pooling import log_of
from ensembles.uncertainty import Interval, paired_difference_interval

METHOD = "choices made again in resamples of half the images, basic"
# Images in a resample, as a share of all. Resamples of N covered 99 % with greedy selection, in wider intervals.
SHARE = 0.5
# Greedy selection chooses again among members within so many paired standard errors of the best.
REACH = 3.0
# Largest M x N x C at which a combiner within a budget is fitted again: it tries four sets of members in each fit.
LARGEST_BUDGETED = 1_000_000
# Folds in a resample: those of a cross-fit by many folds would take hours, and their fits differ little.
MOST_FOLDS = 10

Indices = NDArray[np.intp]
Predict = Callable[[Indices, Indices], Labels]


@dataclass(frozen=True)
class Contest:
    """An ensemble and the best single run, as functions that fit on some images and predict others.

    Attributes:
        labels: int (N,).
        n_classes: C.
        fold: int (N,), of each image.
        ensemble: fits on the first images, of which some may be copies, and predicts the classes of the others.
        single: likewise.
    """

    labels: Labels
    n_classes: int
    fold: Indices
    ensemble: Predict
    single: Predict

    def error(self, draw: Indices) -> float:
        """Cross-fitted gain in a resample minus the gain, on all images, of choices made on the whole resample."""
        everything = np.arange(len(self.labels))
        refitted = [side(draw, everything) for side in (self.ensemble, self.single)]
        crossed = np.empty((2, len(draw)), dtype=np.intp)
        for k in np.unique(self.fold[draw]):
            inside = self.fold[draw] == k
            crossed[:, inside] = [side(draw[~inside], draw[inside]) for side in (self.ensemble, self.single)]
        return self._gain(draw, *crossed) - self._gain(everything, *refitted)

    def _gain(self, images: Indices, ensemble: Labels, single: Labels) -> float:
        labels = self.labels[images]
        return macro_f1(labels, ensemble, self.n_classes) - macro_f1(labels, single, self.n_classes)


def gain_interval(
    combiner: Combiner,
    board: Scoreboard,
    probs: Probs,
    crossed: CrossFit,
    baseline: CrossFit,
    *,
    singles: Sequence[int] | None = None,
    folds: int = 5,
    seed: int = 0,
    resamples: int = 200,
) -> Interval | None:
    """Interval for the gain of an ensemble over the best single run on the population, both refitted on all images.

    `TopK` and `Greedy` choose again in each resample, within a budget if the arrays are small. Other combiners weigh
    all members, or take long to fit (`Cascade`): their held-out predictions stay, and only the best single run is
    chosen again.

    Args:
        combiner: fitted on all images.
        board: of the same probabilities and labels.
        probs: float32 (M, N, C), checked.
        crossed: the combiner, cross-fitted.
        baseline: the best single run, likewise.
        singles: members that may be the best single run; None: all.
        folds: K, of the cross-fits.
        seed: of the folds and of the resamples.
        resamples: number of them.

    Returns:
        The 95 % interval, within -1 and 1; None if `too_few_images`.
    """
    labels, n_classes = board.labels, board.n_classes
    fixed = paired_difference_interval(labels, crossed.predicted, baseline.predicted, n_classes)
    if fixed is None:
        return None
    fold = stratified_folds(labels, min(folds, MOST_FOLDS), np.random.default_rng(seed))
    ensemble = _refitted(combiner, board, probs) if _is_refitted(combiner, probs) else _fixed(crossed)
    pair = Contest(labels, n_classes, fold, ensemble, _best_single(board, singles))
    draws = np.random.default_rng(seed).integers(len(labels), size=(resamples, round(SHARE * len(labels))))
    errors = SHARE**0.5 * np.array([pair.error(draw) for draw in np.sort(draws)])
    low, high = crossed.score - baseline.score - np.quantile(errors, [(1 + fixed.level) / 2, (1 - fixed.level) / 2])
    return Interval(max(min(float(low), fixed.low), -1.0), min(max(float(high), fixed.high), 1.0), fixed.level, METHOD)


def _is_refitted(combiner: Combiner, probs: Probs) -> bool:
    within_budget = isinstance(_without_prior(combiner), Affordable)
    return isinstance(combiner.unwrapped()[0], TopK | Greedy) and (not within_budget or probs.size <= LARGEST_BUDGETED)


def _without_prior(combiner: Combiner) -> Combiner:
    return combiner.fitted if isinstance(combiner, PriorAdjusted) else combiner


def _refitted(combiner: Combiner, board: Scoreboard, probs: Probs) -> Predict:
    """Fits of the combiner; an adjustment for class sizes stays the one of all images."""
    shift, chooser = combiner.formula().prior_shift, copy.copy(_without_prior(combiner))
    if isinstance(chooser, TopK):
        chooser.board = board
    if isinstance(chooser, Greedy):
        kept = sorted({*_near_best(board), *chooser.models_used})
        costs = None if chooser.costs is None else [chooser.costs[member] for member in kept]
        chooser, probs = Greedy(chooser.picks, costs), probs[kept]

    def predict(fitting: Indices, others: Indices) -> Labels:
        fitted = copy.copy(chooser)
        fitted._fit(probs, board.labels, fitting)
        pooled = fitted._predict(probs, others)
        predicted: Labels = (pooled if shift is None else log_of(pooled) - shift).argmax(axis=1)
        return predicted

    return predict


def _fixed(crossed: CrossFit) -> Predict:
    """Held-out predictions of the first repeat, whatever it is asked to fit on."""
    return lambda fitting, others: crossed.predicted[0, others]


def _best_single(board: Scoreboard, singles: Sequence[int] | None) -> Predict:
    allowed = set(range(len(board.predicted)) if singles is None else singles)

    def predict(fitting: Indices, others: Indices) -> Labels:
        best = next(member for member in board.best_first(fitting) if member in allowed)
        predicted: Labels = board.predicted[best, others]
        return predicted

    return predict


def _near_best(board: Scoreboard) -> list[int]:
    """Members whose macro F1 is within `REACH` paired standard errors of the best, which is one of them."""
    scores, influences = zip(*(_influence(board.labels, row, board.n_classes) for row in board.predicted), strict=True)
    best = int(np.argmax(scores))
    errors = np.linalg.norm(np.subtract(influences, influences[best]), axis=1)
    near: list[int] = np.flatnonzero(scores[best] - np.array(scores) <= REACH * errors).tolist()
    return near


def _influence(labels: Labels, predicted: Labels, n_classes: int) -> tuple[float, NDArray[np.float64]]:
    """Macro F1, and the share of each image (N,) in its deviation: to first order, a draw of the sum of N of them."""
    right = labels == predicted
    hits = np.bincount(labels[right], minlength=n_classes)
    total = np.bincount(labels, minlength=n_classes) + np.bincount(predicted, minlength=n_classes)
    f1, each = f1_of(hits, total), 1 / np.maximum(total, 1)
    influence = 2 * right * each[labels] - (f1 * each)[labels] - (f1 * each)[predicted]
    return float(f1.mean()), influence / n_classes
