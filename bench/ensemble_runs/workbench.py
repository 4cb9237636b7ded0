"""Ensembles of stored runs: fitted on validation, cross-fitted, priced and stored. The work of `bench ensemble`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.config.base import content_hash
from bench.ensemble_runs.candidates import ENSEMBLE, HELD_OUT, Candidates, stacked, total
from bench.ensemble_runs.diagnostics import (
    calibration,
    cascade_path,
    changed_classes,
    diversity,
    greedy_path,
    held_out_sharpness,
)
from bench.ensemble_runs.methods import NotApplicableError, combiner_of, within_budget
from bench.environment import code_revision, cores, cpu_model, describe
from bench.store.ensemble_result import Combination, Member
from bench.store.metrics import known_duplicates, score
from bench.store.result import Cost, Metrics, Result, Setup
from bench.store.store import Outputs, Split, Store, StoredRun
from ensembles.base import Combiner, Probs
from ensembles.crossfit import CrossFit, cross_fit
from ensembles.mean import Scoreboard, TopK
from ensembles.pooling import log_of
from ensembles.uncertainty import macro_f1_interval, paired_difference_interval

# Part of every ensemble's name: raised when results get a new field, so that ensembles without it are made again.
FORM = 3

SPLITS: tuple[Split, ...] = ("val", "test")
# Costs of a candidate that its ensemble sums, or by which members are chosen.
COSTS = {
    "inference_ms_per_image",
    "train_seconds_full",
    "train_seconds_steady",
    "parameters",
    "gflops_per_image",
    "peak_memory_mib",
}


@dataclass(frozen=True)
class Protocol:
    """Cross-fitting of an ensemble: repeats of stratified folds."""

    folds: int = 5
    repeats: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Workbench:
    """Candidates with the arrays that all methods share: their probabilities, and the best single run cross-fitted.

    Attributes:
        max_cost_ms: limit of the members' inference time per image, summed; of a cascade, of the mean time.
    """

    store: Store
    candidates: Candidates
    protocol: Protocol
    max_cost_ms: float | None

    def ensemble(self, method: str) -> StoredRun:
        """The stored ensemble of one method, fitted on validation, applied to test and stored if missing.

        The time of the request is stored with it: of ensembles that answer one question, the last one is current.

        Args:
            method: `top3`, `mean`, ... (`ensembles.registry`).

        Raises:
            UserError: an unknown method, or a run whose predictions are not log-probabilities.
            NotApplicableError: the method cannot be used on these candidates.
        """
        combiner = combiner_of(method, self.candidates, self.max_cost_ms)
        run_id = self._name(method)
        if found := self.store.find(run_id):
            return self._asked_again(found)
        with self.store.claims.take(run_id, wait=True):  # of two commands at once, the second finds the first's
            found = self.store.find(run_id)
            return self._asked_again(found) if found else self._make(method, run_id, combiner)

    def _asked_again(self, found: StoredRun) -> StoredRun:
        combination = found.combination.model_copy(update={"left_out": self.candidates.left_out})
        return self.store.update(found.result.model_copy(update={"asked": _now(), "combination": combination}))

    def _make(self, method: str, run_id: str, combiner: Combiner) -> StoredRun:
        combiner.board = self.board
        try:
            made = _Ensemble(self, method, run_id, combiner.fit(self.val, self.candidates.labels))
        except ValueError as error:
            raise NotApplicableError(f"{method} cannot be fitted to these runs: {error}.") from None
        return self.store.save(made.result(), made.outputs())

    def prepare(self, methods: Iterable[str]) -> None:
        """Computes the arrays that methods share, unless all are stored already, so that threads can make them."""
        if not all(self.store.is_finished(self._name(method)) for method in methods):
            _ = self.baseline, self.best_single, self.board

    @cached_property
    def val(self) -> Probs:
        """Validation probabilities (M, N, C) of all candidates."""
        return stacked(self.candidates.runs, "val")

    @cached_property
    def best_single(self) -> StoredRun:
        """The best of the candidates that are within the budget alone."""
        within = within_budget(self.candidates, self.max_cost_ms)
        return self.candidates.runs[next(index for index in self.board.best_first() if index in within)]

    @cached_property
    def baseline(self) -> CrossFit:
        """Taking the best single run, cross-fitted."""
        within = within_budget(self.candidates, self.max_cost_ms)
        if len(within) == len(self.val):
            return self.cross_fit(TopK(1, board=self.board), self.val)
        return self.cross_fit(TopK(1, board=self.board.part(within)), self.val[within])

    @cached_property
    def board(self) -> Scoreboard:
        """Predicted classes of all candidates, and their ranking on any images by the means over their seeds."""
        others = [(stacked([run], "val")[0] for run in runs[1:]) for runs in self.candidates.seeds]
        return Scoreboard(self.val, self.candidates.labels, others)

    def cross_fit(self, combiner: Combiner, val: Probs) -> CrossFit:
        """Held-out predictions on the folds that all methods share."""
        repeats, seed = self.protocol.repeats, self.protocol.seed
        return cross_fit(combiner, val, self.candidates.labels, folds=self.folds, repeats=repeats, seed=seed)

    @property
    def folds(self) -> int:
        """Folds of the protocol, at most one an image."""
        return min(self.protocol.folds, len(self.candidates.labels))

    def config(self, method: str) -> dict[str, Any]:
        """Content of an ensemble's config.json: all that determines it."""
        limit = {} if self.max_cost_ms is None else {"max_cost_ms": self.max_cost_ms}
        return {"method": method, **asdict(self.protocol), **limit, "candidates": self.candidates.names}

    def _name(self, method: str) -> str:
        """Differs if anything that the ensemble is made from does, and does not depend on the order of storage."""
        made_from = [_made_from(*pair) for pair in zip(self.candidates.runs, self.candidates.seeds, strict=True)]
        limit = "" if self.max_cost_ms is None else f"-{self.max_cost_ms:g}ms"
        code = content_hash(self.config(method) | {"candidates": made_from, "form": FORM})
        return f"{ENSEMBLE}{method}{limit}-{code[:8]}"


def _made_from(run: StoredRun, seeds: Sequence[StoredRun]) -> dict[str, Any]:
    """All of a candidate that enters an ensemble, and the predictions of its other seeds, by which it is ranked."""
    result, artefacts = run.result, run.result.artefacts
    return {
        "run_id": run.run_id,
        "family": result.family,
        "weights": result.weights,
        "files": [artefacts.get(path.name) for path in (run.paths.images, *map(run.paths.probabilities, SPLITS))],
        "seeds": [other.val_digest for other in seeds if other.run_id != run.run_id],
        "metrics": result.metrics.model_dump(include={"labels_only", "val_duplicates", "test_duplicates"}),
        "cost": result.cost.model_dump(include=COSTS),
        "setup": result.setup.model_dump(include={"device", "precision", "strategy"}),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


class _Ensemble:
    """A fitted combiner, from the arrays of its candidates to a result."""

    def __init__(self, workbench: Workbench, method: str, run_id: str, combiner: Combiner) -> None:
        self._workbench, self._method, self._run_id, self._combiner = workbench, method, run_id, combiner
        self._candidates, self._labels = workbench.candidates, workbench.candidates.labels
        self._used = [self._candidates.runs[index] for index in combiner.models_used]
        self._formula = combiner.formula()
        self._log_probs = self._predicted()
        self._crossed = workbench.cross_fit(combiner, workbench.val)
        self._metrics = self._scores()
        self._combination = Combination(**self._choice(), **self._comparison(), **self._diagnostics())

    def _predicted(self) -> dict[Split, Probs]:
        """Log-probabilities by split, from the members and the formula alone, which are stored."""
        val = self._workbench.val
        members = (val[index] for index in self._combiner.models_used)
        log_probs: dict[Split, Probs] = {"val": log_of(self._formula.predict(members))}
        if all(run.has("test") for run in self._used):
            log_probs["test"] = log_of(self._formula.predict(stacked(self._used, "test")))
        return log_probs

    def _scores(self) -> Metrics:
        answers = self._candidates.images.test_labels
        return score(
            self._log_probs,
            self._labels,
            None if answers is None else np.array(answers, dtype=np.int64),
            macro_f1_cross_fitted=self._crossed.score,
            selected_on_validation=True,
            labels_only=all(run.result.metrics.labels_only for run in self._used),
            **known_duplicates(run.result.metrics for run in self._candidates.runs),
        )

    def _choice(self) -> dict[str, Any]:
        formula = self._formula
        return {
            "method": self._method,
            "members": tuple(
                Member(run_id=run.run_id, weight=weight, val_digest=run.val_digest)
                for run, weight in zip(self._used, formula.weights.tolist(), strict=True)
            ),
            "candidates": self._candidates.names,
            "max_cost_ms": self._workbench.max_cost_ms,
            "left_out": self._candidates.left_out,
            "members_train_seconds": _train_seconds(self._used),
            "candidates_train_seconds": _train_seconds(self._candidates.runs),
            "exponents": None if formula.exponents is None else formula.exponents.tolist(),
            "prior_shift": None if formula.prior_shift is None else formula.prior_shift.tolist(),
        }

    def _comparison(self) -> dict[str, Any]:
        """Scores, and the gain over the best single run."""
        crossed, baseline, classes = self._crossed, self._workbench.baseline, self._metrics.classes
        interval = macro_f1_interval(self._labels, crossed.predicted, classes)
        gain = paired_difference_interval(self._labels, crossed.predicted, baseline.predicted, classes)
        return {
            "fit_score": self._metrics.macro_f1,
            "cross_fitted": crossed.score,
            "cross_fitted_low": interval.low if interval else None,
            "cross_fitted_high": interval.high if interval else None,
            "best_single": self._workbench.best_single.run_id,
            "best_single_cross_fitted": baseline.score,
            "gain": crossed.score - baseline.score,
            "gain_low": gain.low if gain else None,
            "gain_high": gain.high if gain else None,
        }

    def _diagnostics(self) -> dict[str, Any]:
        combiner, candidates, val = self._combiner, self._candidates, self._workbench.val
        folds, seed = self._workbench.folds, self._workbench.protocol.seed
        names, predicted = [run.run_id for run in self._used], self._workbench.board.predicted[combiner.models_used]
        baseline, class_names = self._workbench.baseline, candidates.images.class_names
        return {
            "greedy": greedy_path(combiner, candidates, val, folds, seed),
            "cascade": cascade_path(combiner, candidates),
            "diversity": diversity(names, self._formula.weights.tolist(), predicted, self._labels),
            "class_changes": changed_classes(self._labels, baseline, self._crossed, class_names),
            "calibration": calibration(self._labels, self._crossed.probs[0], seed),
            "held_out": held_out_sharpness(self._labels, self._crossed.probs, self._metrics.labels_only),
        }

    def result(self) -> Result:
        """Content of result.json."""
        first = self._candidates.runs[0].result
        shared: dict[str, Any] = {
            name: _common(getattr(run.result.setup, name) for run in self._used) or "several"
            for name in ("device", "precision", "strategy")
        }
        return Result(
            run_id=self._run_id,
            kind="ensemble",
            data=first.data,
            data_fingerprint=first.data_fingerprint,
            weights=_common(run.result.weights for run in self._used),
            metrics=self._metrics,
            cost=_cost(self._used, self._combination),
            setup=Setup(**shared, cores=cores(), code_revision=code_revision()),
            combination=self._combination,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            asked=_now(),
        )

    def outputs(self) -> Outputs:
        """Files beside result.json: predictions, the arrays of the formula, and held-out predicted classes (R, N)."""
        images = self._candidates.images
        if "test" not in self._log_probs:
            images = images.model_copy(update={"test_ids": (), "test_labels": None})
        return Outputs(
            config=self._workbench.config(self._method),
            environment=describe(f"{cpu_model()} ({cores()} cores)", code_revision()),
            history=None,
            images=images,
            log_probs=self._log_probs,
            log="",
            arrays={HELD_OUT: self._crossed.predicted.astype(np.int32), **self._formula.arrays},
        )


def _cost(used: Sequence[StoredRun], combination: Combination) -> Cost:
    """Training and inference of the members; of a cascade, inference of the stages that an image takes on average."""
    costs, cascade = [run.result.cost for run in used], combination.cascade
    milliseconds = cascade.chosen.ms_per_image if cascade else total(cost.inference_ms_per_image for cost in costs)
    parameters = total(cost.parameters for cost in costs)
    return Cost(
        train_seconds_steady=combination.members_train_seconds,
        inference_ms_per_image=milliseconds,
        parameters=None if parameters is None else int(parameters),
        gflops_per_image=_gflops(used, combination),
        peak_memory_mib=max((cost.peak_memory_mib for cost in costs if cost.peak_memory_mib is not None), default=None),
    )


def _gflops(used: Sequence[StoredRun], combination: Combination) -> float | None:
    """Per image: of all members; of a cascade, of each stage times its share of the images."""
    each = {run.run_id: run.result.cost.gflops_per_image for run in used}
    if combination.cascade is None:
        return total(each.values())
    point = combination.cascade.chosen
    known = [each[stage] for stage in point.stages]
    return total(None if gflops is None else share * gflops for share, gflops in zip(point.reach, known, strict=True))


def _train_seconds(runs: Sequence[StoredRun]) -> float | None:
    return total(run.result.cost.steady_seconds for run in runs)


def _common(values: Iterable[str | None]) -> str | None:
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def one_thread() -> AbstractContextManager[object]:
    """One BLAS thread, for matrices so small that threads wait for each other longer than they multiply.

    On two cores it halved the processor time of intervals, and that of a stack's fits fell to a seventh.
    """
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits
