"""Diagnostics of an ensemble: its choice of members, their diversity, classes fixed and broken, its calibration."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from bench.ensemble_runs.candidates import Candidates, total
from bench.store.ensemble_result import (
    Bin,
    Calibration,
    CascadePath,
    CascadePoint,
    ClassChange,
    ClassChanges,
    Diversity,
    GreedyPath,
    GreedyStep,
    Pair,
    Sharpness,
)
from bench.store.metrics import Labels
from ensembles.base import Combiner, Probs
from ensembles.calibration import brier, cross_fitted_temperature, fit_temperature, reliability
from ensembles.cascade import Cascade, Operation
from ensembles.crossfit import CrossFit, stratified_folds
from ensembles.diversity import class_changes, disagreement, double_fault, q_statistic
from ensembles.greedy import Greedy
from ensembles.metrics import log_loss, macro_f1
from ensembles.pooling import log_of

SHOWN_MEMBERS = 6  # of the table of pairs: fifteen lines
SHOWN_CLASSES = 5  # risen and fallen, each
# Half of the images are plenty for one number, and each further fold takes as long as all of these.
TEMPERATURE_FOLDS = 2


def greedy_path(combiner: Combiner, candidates: Candidates, val: Probs, folds: int, seed: int) -> GreedyPath | None:
    """Every pick of a fitted greedy selection; None for other combiners.

    Args:
        combiner: fitted on all of `val`.
        candidates: M runs.
        val: float32 (M, N, C).
        folds: for the score of each pick on images that it was not made on; one repeat.
        seed: of the folds.
    """
    greedy, _ = combiner.unwrapped()
    if not isinstance(greedy, Greedy):
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
        for place, step in enumerate(greedy.trajectory)
    ]
    return GreedyPath(steps=tuple(steps), kept=greedy.kept)


def _picks(combiner: Combiner) -> list[int]:
    """Indices of the candidates that a greedy selection picked, in order."""
    greedy, members = combiner.unwrapped()
    return [members[step.member] for step in greedy.trajectory] if isinstance(greedy, Greedy) else []


def _held_out_f1(combiner: Combiner, labels: Labels, val: Probs, folds: int, seed: int) -> list[float]:
    """Macro F1 after each pick: picked anew on some folds, scored on the others, pooled."""
    fold = stratified_folds(labels, folds, np.random.default_rng(seed))
    predicted = np.zeros((len(_picks(combiner)), len(labels)), dtype=np.int64)
    for k in range(folds):
        inside = fold == k
        fold_combiner = copy.copy(combiner)
        fold_combiner.board = combiner.board and combiner.board.part(images=np.flatnonzero(~inside))
        picks = _picks(fold_combiner.fit(val[:, ~inside], labels[~inside]))
        sums = np.zeros((int(inside.sum()), val.shape[2]), dtype=np.float32)
        for row, member in zip(predicted, picks, strict=True):
            sums += val[member, inside]
            row[inside] = sums.argmax(axis=1)
    return [macro_f1(labels, row, val.shape[2]) for row in predicted]


def _costs(candidates: Candidates, members: Sequence[int]) -> dict[str, float | None]:
    milliseconds = candidates.inference_ms
    return {
        "ms_per_image": None if milliseconds is None else sum(milliseconds[member] for member in members),
        "train_seconds": total(candidates.runs[member].result.cost.steady_seconds for member in members),
    }


def cascade_path(combiner: Combiner, candidates: Candidates) -> CascadePath | None:
    """Stages and thresholds of a fitted cascade, and its alternatives; None for other combiners."""
    if not isinstance(combiner, Cascade):
        return None
    front = [_point(operation, candidates.names) for operation in combiner.front]
    return CascadePath(chosen=_point(combiner.operation, candidates.names), front=tuple(front))


def _point(operation: Operation, names: Sequence[str]) -> CascadePoint:
    return CascadePoint(
        stages=tuple(names[stage] for stage in operation.stages),
        threshold=operation.threshold,
        reach=operation.reach,
        ms_per_image=operation.cost,
        macro_f1=operation.macro_f1,
    )


def diversity(names: Sequence[str], weights: Sequence[float], predicted: Labels, labels: Labels) -> Diversity | None:
    """Differences between the errors of members; None for a single member.

    Args:
        names: of M members.
        weights: of each; the pairs of the heaviest are kept.
        predicted: int (M, N).
        labels: int (N,).
    """
    if len(names) < 2:
        return None
    differ, both_wrong, q = disagreement(predicted), double_fault(predicted, labels), q_statistic(predicted, labels)
    above = np.triu_indices(len(names), 1)
    heaviest = sorted(range(len(names)), key=lambda member: (-weights[member], member))[:SHOWN_MEMBERS]
    pairs = [
        Pair(
            one=names[a],
            other=names[b],
            disagreement=differ[a, b],
            double_fault=both_wrong[a, b],
            q=None if np.isnan(q[a, b]) else q[a, b],
        )
        for a, b in combinations(heaviest, 2)
    ]
    known = q[above][~np.isnan(q[above])]
    return Diversity(
        disagreement=float(differ[above].mean()),
        double_fault=float(both_wrong[above].mean()),
        q=float(known.mean()) if len(known) else None,
        pairs=tuple(pairs),
    )


def changed_classes(labels: Labels, before: CrossFit, after: CrossFit, class_names: Sequence[str]) -> ClassChanges:
    """Classes whose F1 rises and falls, from held-out predictions, so that neither side is flattered."""
    changes = class_changes(labels, before.predicted, after.predicted, len(class_names))

    def shown(classes: Sequence[int]) -> tuple[ClassChange, ...]:
        return tuple(
            ClassChange(
                name=class_names[c],
                images=int(changes.support[c]),
                before=float(changes.before[c]),
                after=float(changes.after[c]),
            )
            for c in classes[:SHOWN_CLASSES]
        )

    return ClassChanges(
        fixed=shown(changes.fixed),
        broken=shown(changes.broken),
        risen=len(changes.fixed),
        fallen=len(changes.broken),
    )


def calibration(labels: Labels, held_out: Probs, seed: int) -> Calibration:
    """Calibration of held-out probabilities (N, C), before and after a temperature."""
    rescaled = cross_fitted_temperature(labels, held_out, folds=TEMPERATURE_FOLDS, seed=seed)
    (before, bins_before), (after, bins_after) = _sharpness(labels, held_out), _sharpness(labels, rescaled)
    return Calibration(
        temperature=fit_temperature(labels, held_out),
        before=before,
        after=after,
        bins_before=bins_before,
        bins_after=bins_after,
    )


def held_out_sharpness(labels: Labels, held_out: Probs, labels_only: bool) -> Sharpness:
    """Means over repeats of held-out probabilities (R, N, C); votes on predicted classes have no log-loss."""
    each = [_sharpness(labels, probs)[0] for probs in held_out]
    means = {name: float(np.mean([getattr(one, name) for one in each])) for name in Sharpness.model_fields}
    return Sharpness.model_validate(means | ({"log_loss": None} if labels_only else {}))


def _sharpness(labels: Labels, probs: Probs) -> tuple[Sharpness, tuple[Bin, ...]]:
    found = reliability(labels, probs)
    error = found.expected_calibration_error
    bins = zip(found.confidence.tolist(), found.accuracy.tolist(), found.images.tolist(), strict=True)
    return (
        Sharpness(log_loss=log_loss(labels, log_of(probs)), brier=brier(labels, probs), calibration_error=error),
        tuple(Bin(confidence=confidence, accuracy=accuracy, images=images) for confidence, accuracy, images in bins),
    )
