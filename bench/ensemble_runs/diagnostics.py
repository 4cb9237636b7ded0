"""Looking into an ensemble: how it was chosen, how its members differ, what it mends and breaks, whether it is sure."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import combinations
from typing import cast

import numpy as np
import numpy.typing as npt

from bench.ensemble_runs.candidates import Candidates, Probs
from bench.ensemble_runs.recombining import bare, cascade_point
from bench.store.ensemble_result import (
    Bin,
    Calibration,
    CascadePath,
    ClassChange,
    ClassChanges,
    Diversity,
    GreedyPath,
    GreedyStep,
    Pair,
    Sharpness,
)
from ensembles.affordable import Affordable
from ensembles.base import Combiner
from ensembles.calibration import Reliability, brier, cross_fitted_temperature, fit_temperature, reliability
from ensembles.cascade import Cascade
from ensembles.crossfit import CrossFit, stratified_folds
from ensembles.diversity import disagreement, double_fault, q_statistic
from ensembles.greedy import Greedy
from ensembles.metrics import log_loss, macro_f1, per_class_f1
from ensembles.pooling import log_of

Labels = npt.NDArray[np.int64]

SHOWN_MEMBERS = 6  # of the table of pairs: fifteen lines
SHOWN_CLASSES = 5  # risen and fallen, each
TEMPERATURE_FOLDS = (
    2  # half of the images are plenty for one number, and each further fold takes as long as all of these
)


def greedy_path(combiner: Combiner, candidates: Candidates, val: Probs, folds: int, seed: int) -> GreedyPath | None:
    """Every pick of a fitted greedy selection; None for other combiners.

    Args:
        combiner: fitted on all of `val`.
        candidates: M runs.
        val: float32 (M, N, C).
        folds: for the score of each pick on images it was not made on; one repeat.
        seed: of the folds.
    """
    inner = bare(combiner)
    if not isinstance(inner, Greedy):
        return None
    picks, held_out = _picks(combiner), _held_out_f1(combiner, candidates.labels, val, folds, seed)
    steps = [
        GreedyStep(
            picked=candidates.names[picks[place]],
            members=step.members,
            macro_f1=step.macro_f1,
            macro_f1_held_out=held_out[place],
            log_loss=step.log_loss,
            **_costs(candidates, sorted(set(picks[: place + 1]))),
        )
        for place, step in enumerate(inner.trajectory)
    ]
    return GreedyPath(steps=tuple(steps), kept=inner.kept)


def cascade_path(combiner: Combiner, candidates: Candidates) -> CascadePath | None:
    """Stages and thresholds of a fitted cascade, and its alternatives; None for other combiners."""
    if not isinstance(combiner, Cascade):
        return None
    front = [cascade_point(operation, candidates.names) for operation in combiner.front]
    return CascadePath(chosen=cascade_point(combiner.operation, candidates.names), front=tuple(front))


def diversity(names: Sequence[str], weights: Sequence[float], predicted: Labels, labels: Labels) -> Diversity | None:
    """How differently members err.

    Args:
        names: of M members.
        weights: of each; the pairs of the heaviest are kept.
        predicted: int (M, N).
        labels: int (N,).
    """
    if len(names) < 2:
        return None
    matrices = disagreement(predicted), double_fault(predicted, labels), q_statistic(predicted, labels)
    above = np.triu_indices(len(names), 1)
    means = [matrix[above] for matrix in matrices]
    heaviest = sorted(range(len(names)), key=lambda member: (-weights[member], member))[:SHOWN_MEMBERS]
    pairs = [
        Pair(
            one=names[a],
            other=names[b],
            disagreement=matrices[0][a, b],
            double_fault=matrices[1][a, b],
            q=_number(matrices[2][a, b]),
        )
        for a, b in combinations(heaviest, 2)
    ]
    known = means[2][~np.isnan(means[2])]
    return Diversity(
        disagreement=float(means[0].mean()),
        double_fault=float(means[1].mean()),
        q=float(known.mean()) if len(known) else None,
        pairs=tuple(pairs),
    )


def class_changes(labels: Labels, before: CrossFit, after: CrossFit, class_names: Sequence[str]) -> ClassChanges:
    """Which classes' F1 rises and falls, from held-out predictions, so that neither side is flattered."""
    old, new = (_mean_f1(labels, side.predicted, len(class_names)) for side in (before, after))
    images, change = np.bincount(labels, minlength=len(class_names)), new - old
    order = np.argsort(change, kind="stable")

    def told(places: npt.NDArray[np.intp]) -> tuple[ClassChange, ...]:
        return tuple(
            ClassChange(name=class_names[c], images=int(images[c]), before=float(old[c]), after=float(new[c]))
            for c in places
        )

    return ClassChanges(
        fixed=told(order[::-1][:SHOWN_CLASSES][change[order[::-1][:SHOWN_CLASSES]] > 0]),
        broken=told(order[:SHOWN_CLASSES][change[order[:SHOWN_CLASSES]] < 0]),
        risen=int((change > 0).sum()),
        fallen=int((change < 0).sum()),
    )


def calibration(labels: Labels, held_out: Probs, seed: int) -> Calibration:
    """Whether held-out probabilities (N, C) mean what they say, before and after a temperature."""
    rescaled = cross_fitted_temperature(labels, held_out, folds=TEMPERATURE_FOLDS, seed=seed)
    bins = [reliability(labels, probs) for probs in (held_out, rescaled)]
    before, after = (_sharpness(labels, *side) for side in zip((held_out, rescaled), bins, strict=True))
    return Calibration(
        temperature=fit_temperature(labels, held_out),
        before=before,
        after=after,
        bins_before=_bins(bins[0]),
        bins_after=_bins(bins[1]),
    )


def _picks(combiner: Combiner) -> list[int]:
    """Indices of the candidates picked, in order."""
    steps = [step.member for step in cast(Greedy, bare(combiner)).trajectory]
    return [combiner.members[step] for step in steps] if isinstance(combiner, Affordable) else steps


def _held_out_f1(combiner: Combiner, labels: Labels, val: Probs, folds: int, seed: int) -> list[float]:
    """Macro F1 after each pick: picked anew on some folds, scored on the others, pooled."""
    fold = stratified_folds(labels, folds, np.random.default_rng(seed))
    predicted: list[Labels] = []
    for k in range(folds):
        inside = fold == k
        picks = _picks(copy.deepcopy(combiner).fit(val[:, ~inside], labels[~inside]))
        total = np.zeros((int(inside.sum()), val.shape[2]), dtype=np.float32)
        for place, member in enumerate(picks):
            total += val[member, inside]
            if place == len(predicted):
                predicted.append(np.zeros_like(labels))
            predicted[place][inside] = total.argmax(axis=1)
    return [macro_f1(labels, row, val.shape[2]) for row in predicted]


def _costs(candidates: Candidates, members: Sequence[int]) -> dict[str, float | None]:
    costs = [candidates.runs[member].result.cost for member in members]
    milliseconds = None if candidates.inference_ms is None else [candidates.inference_ms[member] for member in members]
    seconds = [cost.train_seconds_full for cost in costs]
    return {
        "ms_per_image": None if milliseconds is None else sum(milliseconds),
        "train_seconds": None if None in seconds else sum(number for number in seconds if number is not None),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _mean_f1(labels: Labels, predicted: npt.NDArray[np.intp], classes: int) -> npt.NDArray[np.float64]:
    """F1 (C,) of each class, mean over repeats (R, N)."""
    scores: npt.NDArray[np.float64] = np.mean([per_class_f1(labels, row, classes) for row in predicted], axis=0)
    return scores


def _sharpness(labels: Labels, probs: Probs, bins: Reliability) -> Sharpness:
    return Sharpness(
        log_loss=log_loss(labels, log_of(probs)),
        brier=brier(labels, probs),
        calibration_error=bins.expected_calibration_error,
    )


def _bins(found: Reliability) -> tuple[Bin, ...]:
    return tuple(
        Bin(confidence=float(confidence), accuracy=float(accuracy), images=int(images))
        for confidence, accuracy, images in zip(found.confidence, found.accuracy, found.images, strict=True)
    )
