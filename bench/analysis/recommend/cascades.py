"""Cascades of single runs for every budget of inference time, scored on images outside their fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.analysis.recommend.options import Option
from bench.ensemble_runs.candidates import stacked
from bench.report.frame.points import thinned
from bench.store.store import StoredRun
from ensembles.base import Probs
from ensembles.cascade import Cascade, Operation
from ensembles.crossfit import stratified_folds
from ensembles.metrics import Labels, macro_f1
from ensembles.uncertainty import macro_f1_interval

# A fit takes a second with 24 runs of 3,712 images and 104 classes: ten seconds in all.
FOLDS, REPEATS, SEED = 5, 2, 0
# Budgets that are tried, evenly spread from the cheapest cascade to the dearest.
MOST = 8


@dataclass(frozen=True, eq=False)
class CrossFittedCascade:
    """A cascade on images outside its fit.

    Attributes:
        operation: the one to run, fitted on all images.
        predicted: int (R, N).
        ms_per_image: time used, mean over images and repeats.
    """

    operation: Operation
    predicted: npt.NDArray[np.intp]
    ms_per_image: float


def cascades(singles: Sequence[Option], runs: Sequence[StoredRun]) -> list[Option]:
    """Options with distinct names; none if fewer than two runs are usable.

    Args:
        singles: options.
        runs: the run of each.
    """
    usable = [place for place, single in enumerate(singles) if _usable(single, runs[place])]
    if len(usable) < 2:
        return []
    stages, theirs = [singles[place] for place in usable], [runs[place] for place in usable]
    labels = np.array(theirs[0].images.val_labels)
    found = cross_fitted(stacked(theirs, "val"), labels, [stage.ms_per_image for stage in stages])
    options = [_option(one, stages, labels, len(theirs[0].images.class_names)) for one in found]
    # Of two with the same time, to the digits of their names, the better one.
    return list({option.label: option for option in sorted(options, key=lambda option: option.score)}.values())


def cross_fitted(probs: Probs, labels: Labels, costs: Sequence[float]) -> list[CrossFittedCascade]:
    """The cascades of several stages on the front of a fit, each for the budget that it uses.

    Args:
        probs: float32 (M, N, C), rows sum to 1.
        labels: int (N,).
        costs: of each member per image.
    """
    front = Cascade(costs).fit(probs, labels).front
    operations = thinned([operation for operation in front if len(operation.stages) > 1], MOST)
    limits = [operation.cost for operation in operations]
    predicted = np.empty((len(limits), REPEATS, len(labels)), dtype=np.intp)
    used = np.zeros((len(limits), REPEATS))
    rng = np.random.default_rng(SEED)
    for repeat in range(REPEATS if limits else 0):
        fold = stratified_folds(labels, min(FOLDS, len(labels)), rng)
        for held_out in (fold == k for k in np.unique(fold)):
            fitted = Cascade(costs).fit(probs[:, ~held_out], labels[~held_out])
            for place, limit in enumerate(limits):
                fitted.choose(limit)
                predicted[place, repeat, held_out] = fitted.predict_proba(probs[:, held_out]).argmax(axis=1)
                used[place, repeat] += fitted.mean_cost(probs[:, held_out]) * held_out.mean()
    return [CrossFittedCascade(*one) for one in zip(operations, predicted, used.mean(axis=1).tolist(), strict=True)]


def _usable(single: Option, run: StoredRun) -> bool:
    """Without a time a run has no cost, without probabilities no confidence."""
    timed = single.same_device and math.isfinite(single.ms_per_image) and single.ms_per_image > 0
    return timed and not run.result.metrics.labels_only


def _option(cascade: CrossFittedCascade, stages: Sequence[Option], labels: Labels, classes: int) -> Option:
    """The option of a cascade. Its training is that of all candidates: all had to be trained to choose among them."""
    operation = cascade.operation
    chosen = [stages[stage] for stage in operation.stages]
    interval = macro_f1_interval(labels, cascade.predicted, classes)
    shares = (f"{stage.label} ({share:.0%})" for stage, share in zip(chosen, operation.reach, strict=True))
    return Option(
        label=f"cascade {cascade.ms_per_image:.3g} ms",
        kind="cascade",
        run_ids=tuple(stage.run_ids[0] for stage in chosen),
        score=float(np.mean([macro_f1(labels, row, classes) for row in cascade.predicted])),
        low=math.nan if interval is None else interval.low,
        high=math.nan if interval is None else interval.high,
        predicted=cascade.predicted,
        train_seconds=sum(stage.train_seconds for stage in stages),
        train_device_hours=sum(stage.train_device_hours for stage in stages),
        usd=sum(stage.usd for stage in stages),
        ms_per_image=cascade.ms_per_image,
        device=chosen[0].device,
        same_device=True,
        detail=f"{' > '.join(shares)}, on below {operation.threshold:.3f}",
        made_by=f"python -m bench ensemble cascade --max-cost {math.ceil(operation.cost * 1000) / 1000:g}",
    )
