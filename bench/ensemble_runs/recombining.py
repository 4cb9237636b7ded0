"""An ensemble's predictions from its members' alone: what is kept of a fitted combiner, and how that is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from bench.ensemble_runs.candidates import Probs, stacked
from bench.errors import UserError
from bench.store.ensemble_result import CascadePoint, Combination
from bench.store.store import Split, Store, StoredRun
from ensembles.affordable import Affordable
from ensembles.base import Combiner
from ensembles.blend import Blend
from ensembles.calibration import PriorAdjusted
from ensembles.cascade import Cascade, Operation
from ensembles.mean import GeometricMean
from ensembles.pooling import linear_pool, log_of, log_pool
from ensembles.stack import Stack

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Formula:
    """How the probabilities of M members become those of their ensemble.

    Args:
        members: M run_ids.
        weights: M, of a mean.
        exponents: M, of a product; None where there is none.
        cascade: stages and threshold; None where it is no cascade.
        arrays: of a stack, `coefficients` (K, M * C), `intercepts` (K,) and `stacked_classes` (those it knows); of two
            classes, the coefficients are those of the second alone.
        prior_shift: C, what is taken off the log-probabilities at the end; None: nothing.
    """

    members: tuple[str, ...]
    weights: tuple[float, ...]
    exponents: tuple[float, ...] | None
    cascade: CascadePoint | None
    arrays: Arrays
    prior_shift: tuple[float, ...] | None = None

    @classmethod
    def of(cls, combiner: Combiner, names: Sequence[str]) -> Formula:
        """What a fitted combiner has learnt; names are those of its candidates."""
        used = combiner.models_used
        return cls(
            members=tuple(names[index] for index in used),
            weights=tuple(combiner.weights[used].tolist()),
            exponents=_exponents(bare(combiner)),
            cascade=_cascade(bare(combiner), names),
            arrays=_arrays(bare(combiner)),
            prior_shift=_prior_shift(combiner),
        )

    @classmethod
    def stored(cls, combination: Combination, arrays: Arrays) -> Formula:
        """The same, read back from a stored ensemble."""
        return cls(
            members=tuple(member.run_id for member in combination.members),
            weights=tuple(member.weight for member in combination.members),
            exponents=combination.exponents,
            cascade=None if combination.cascade is None else combination.cascade.chosen,
            arrays=arrays,
            prior_shift=combination.prior_shift,
        )

    def predict(self, probs: Probs) -> Probs:
        """Probabilities float32 (M, N, C) of the members to those of the ensemble, (N, C)."""
        combined = self._combined(probs)
        if self.prior_shift is None:
            return combined
        shifted: Probs = softmax(log_of(combined) - np.array(self.prior_shift), axis=1).astype(np.float32)
        return shifted

    def _combined(self, probs: Probs) -> Probs:
        if self.cascade is not None:
            return _cascaded(self.cascade, probs, self.members)
        if "coefficients" in self.arrays:
            return _stacked(self.arrays, probs)
        if self.exponents is not None:
            return log_pool(probs, np.array(self.exponents))
        return linear_pool(probs, np.array(self.weights))


def predictions(store: Store, ensemble: StoredRun, split: Split) -> Probs:
    """Probabilities (N, C) of a stored ensemble, made again from its members in the store.

    Raises:
        UserError: no ensemble, or a member that is gone or predicts something else by now.
    """
    combination = ensemble.result.combination
    if combination is None:
        raise UserError(f"{ensemble.run_id} is a run, not an ensemble.")
    states = member_states(store, combination)
    for run_id, state in states.items():
        if state:
            raise UserError(f"{ensemble.run_id} cannot be combined again: its member {run_id} {state}.")
    return Formula.stored(combination, ensemble.arrays).predict(stacked([store.get(name) for name in states], split))


def member_states(store: Store, combination: Combination) -> dict[str, str]:
    """By member what became of it since: nothing, it is gone, or it was run again."""
    states = {}
    for member in combination.members:
        found = store.find(member.run_id)
        changed = found is not None and found.result.artefacts.get("val.npy") != member.val_digest
        states[member.run_id] = "is no longer in the store" if found is None else "was run again since" * changed
    return states


def bare(combiner: Combiner) -> Combiner:
    """The combiner itself, of one that is kept within a budget or adjusted for class sizes."""
    if isinstance(combiner, (Affordable, PriorAdjusted)):
        return bare(combiner.fitted)
    return combiner


def cascade_point(operation: Operation, names: Sequence[str]) -> CascadePoint:
    """One way to run a cascade, by the names of its candidates."""
    return CascadePoint(
        stages=tuple(names[stage] for stage in operation.stages),
        threshold=operation.threshold,
        reach=operation.reach,
        ms_per_image=operation.cost,
        macro_f1=operation.macro_f1,
    )


def _cascade(combiner: Combiner, names: Sequence[str]) -> CascadePoint | None:
    return cascade_point(combiner.operation, names) if isinstance(combiner, Cascade) else None


def _prior_shift(combiner: Combiner) -> tuple[float, ...] | None:
    if not isinstance(combiner, PriorAdjusted):
        return None
    return tuple((combiner.exponent * combiner.log_prior).tolist())


def _exponents(combiner: Combiner) -> tuple[float, ...] | None:
    if isinstance(combiner, Blend):
        return tuple(combiner.exponents[combiner.models_used].tolist())
    return tuple(combiner.weights.tolist()) if isinstance(combiner, GeometricMean) else None


def _arrays(combiner: Combiner) -> Arrays:
    """The scaler goes into the coefficients: columns are log-probabilities as they are."""
    if not isinstance(combiner, Stack):
        return {}
    scaler, regression = combiner.pipeline[0], combiner.pipeline[-1]
    coefficients = (regression.coef_ / scaler.scale_).astype(np.float64)
    by_member = coefficients.reshape(len(coefficients), len(combiner.weights), -1)[:, combiner.models_used]
    return {
        "coefficients": by_member.reshape(len(coefficients), -1),
        "intercepts": regression.intercept_ - coefficients @ scaler.mean_,
        "stacked_classes": regression.classes_,
    }


def _cascaded(point: CascadePoint, probs: Probs, members: Sequence[str]) -> Probs:
    """Each image stops at the first stage that is sure enough, else at the last, with the mean of those until then."""
    stages = probs[[members.index(run_id) for run_id in point.stages]]
    means = np.cumsum(stages, axis=0, dtype=np.float64) / np.arange(1, len(stages) + 1)[:, None, None]
    sure = means.max(axis=2) >= point.threshold
    sure[-1] = True
    combined: Probs = means[sure.argmax(axis=0), np.arange(probs.shape[1])].astype(np.float32)
    return combined


def _stacked(arrays: Arrays, probs: Probs) -> Probs:
    columns = log_of(probs.transpose(1, 0, 2).reshape(probs.shape[1], -1))
    scores = columns @ arrays["coefficients"].T + arrays["intercepts"]
    known = softmax(scores, axis=1) if scores.shape[1] > 1 else np.hstack([expit(-scores), expit(scores)])
    combined = np.zeros(probs.shape[1:], dtype=np.float32)
    combined[:, arrays["stacked_classes"]] = known
    return combined
