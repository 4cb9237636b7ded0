"""Cascades of single runs for every budget of inference time, scored on images outside their fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.analysis.leaderboard import Leaderboard
from bench.analysis.prices import Prices, joint_charge
from bench.analysis.recommend.options import Option
from bench.ensemble_runs.candidates import stacked
from bench.ensemble_runs.ties import computed_contestant
from bench.report.frame.points import thinned
from bench.store.store import StoredRun
from ensembles.base import Probs
from ensembles.cascade import Cascade, Operation
from ensembles.crossfit import stratified_folds
from ensembles.metrics import Labels
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


def cascades(singles: Sequence[Option], board: Leaderboard, prices: Prices) -> list[Option]:
    """Options with distinct names, best first; none if fewer than two candidates are usable.

    Args:
        singles: options.
        board: of their runs.
        prices: of devices.
    """
    options = {single.run_ids[0]: single for single in singles}
    known = (run for run in board.candidates.runs if run.run_id in options)  # fine-tuned random ones are no options
    runs = [run for run in known if _usable(options[run.run_id], run)]
    if len(runs) < 2:
        return []
    stages = Stages(runs, [options[run.run_id] for run in runs], board, prices)
    found = cross_fitted(stacked(runs, "val"), stages.labels, stages.costs)
    made = sorted(map(stages.option, found), key=lambda option: option.score)
    # Of two with the same time, to the digits of their names, the better one.
    return sorted({option.label: option for option in made}.values(), key=lambda option: -option.score)


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
    milliseconds = run.result.cost.inference_ms_per_image
    return single.same_device and bool(milliseconds) and not run.result.metrics.labels_only


@dataclass(frozen=True)
class Stages:
    """Runs that cascades are made of, and the option of each."""

    runs: Sequence[StoredRun]
    options: Sequence[Option]
    board: Leaderboard
    prices: Prices

    @property
    def labels(self) -> Labels:
        """Validation labels (N,)."""
        return self.board.candidates.labels

    @property
    def costs(self) -> list[float]:
        """Milliseconds per image of each."""
        return [run.result.cost.inference_ms_per_image or 0.0 for run in self.runs]

    def option(self, cascade: CrossFittedCascade) -> Option:
        """The option of a cascade, whose training is that of its stages."""
        operation, classes = cascade.operation, len(self.runs[0].images.class_names)
        label = f"cascade {cascade.ms_per_image:.3g} ms"
        chosen = [self.options[stage] for stage in operation.stages]
        run_ids = tuple(self.runs[stage].run_id for stage in operation.stages)
        contestant = computed_contestant(label, cascade.predicted, self.labels, classes)
        interval = macro_f1_interval(self.labels, cascade.predicted, classes)
        shares = (f"{stage.label} ({share:.0%})" for stage, share in zip(chosen, operation.reach, strict=True))
        return Option(
            label=label,
            kind="cascade",
            run_ids=run_ids,
            score=contestant.macro_f1,
            low=math.nan if interval is None else interval.low,
            high=math.nan if interval is None else interval.high,
            contestant=contestant,
            charge=joint_charge(run_ids, self.board.known, self.prices),
            ms_per_image=cascade.ms_per_image,
            device=chosen[0].device,
            same_device=True,
            detail=f"{' > '.join(shares)}, on below {operation.threshold:.3f}",
            made_by=self._command(math.ceil(operation.cost * 1000) / 1000),
        )

    def _command(self, milliseconds: float) -> str:
        """The command that makes such a cascade of the same candidates."""
        names = [run.run_id for run in self.runs]
        words = ["python -m bench ensemble cascade", f"--max-cost {milliseconds:g}"]
        if len(names) < len(self.board.candidates.runs):
            words.append(f"--members {' '.join(names)}")
        elif len({run.result.data for run in self.board.store.runs()}) > 1:
            words.append(f"--data {self.runs[0].result.data}")
        return " ".join(words)
