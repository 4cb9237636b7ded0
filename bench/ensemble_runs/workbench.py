"""What `bench ensemble` does: combine saved predictions, score the combination honestly, price it, store it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.config.base import content_hash
from bench.ensemble_runs.candidates import Candidates, Probs, find, stacked
from bench.ensemble_runs.diagnostics import calibration, cascade_path, class_changes, diversity, greedy_path
from bench.ensemble_runs.methods import NotApplicableError, affordable, combiner_of
from bench.ensemble_runs.recombining import Formula
from bench.ensemble_runs.scoreboard import BoardTopK, Scoreboard, cross_fit_top
from bench.environment import code_revision, cores, cpu_model, describe
from bench.store.ensemble_result import Combination, Member
from bench.store.metrics import known_duplicates, score
from bench.store.result import Cost, Metrics, Result, Setup
from bench.store.store import Outputs, Split, Store, StoredRun
from ensembles.base import Combiner
from ensembles.crossfit import CrossFit, cross_fit
from ensembles.mean import TopK
from ensembles.pooling import log_of
from ensembles.uncertainty import macro_f1_interval, paired_difference_interval

# Part of every ensemble's name: raised when more is kept of one, so that those with less are made again.
FORM = 2


@dataclass(frozen=True)
class Protocol:
    """How an ensemble is scored: repeats of stratified folds."""

    folds: int = 5
    repeats: int = 5
    seed: int = 0


def combine(
    store: Store,
    method: str,
    data: str | None,
    members: Sequence[str],
    protocol: Protocol,
    max_cost_ms: float | None = None,
) -> StoredRun:
    """Fits a combiner on validation, applies it to test, stores the outcome. One that is stored already is returned.

    Args:
        method: `top3`, `mean`, ... (`ensembles.registry`).
        data: the data set; None where the store holds one.
        members: the candidates by name; all trained and added runs of the data set where none is named.
        max_cost_ms: what its members may take per image, together; of a cascade what it uses on average.

    Raises:
        UserError: an unknown method, too few candidates, or some that do not belong together.
    """
    return Workbench(store, find(store, data, members), protocol, max_cost_ms).ensemble(method)


class Workbench:
    """Candidates and what all methods share: their probabilities, and the best single run cross-fitted."""

    def __init__(self, store: Store, candidates: Candidates, protocol: Protocol, max_cost_ms: float | None) -> None:
        self.store = store
        self.candidates = candidates
        self.protocol = protocol
        self.max_cost_ms = max_cost_ms

    def ensemble(self, method: str) -> StoredRun:
        """The stored ensemble of one method, made if it is not there.

        Raises:
            UserError: an unknown method, or a run whose predictions are no probabilities.
            NotApplicableError: the method cannot be used on these candidates.
        """
        combiner = combiner_of(method, self.candidates, self.max_cost_ms)
        run_id = self._name(method)
        if self.store.is_finished(run_id):
            return self.store.get(run_id)
        try:
            combiner = self._quick(combiner).fit(self.val, self.candidates.labels)
            made = _Ensemble(self, method, run_id, combiner)
        except ValueError as error:
            raise NotApplicableError(f"{method} cannot be fitted to these runs: {error}.") from None
        return self.store.save(made.result(), made.outputs())

    def prepare(self, methods: Iterable[str]) -> None:
        """Computes what methods share, unless all are stored already, so that they can be made side by side."""
        if not all(self.store.is_finished(self._name(method)) for method in methods):
            _ = self.baseline, self.best_single, self._board

    @cached_property
    def val(self) -> Probs:
        """Validation probabilities (M, N, C) of all candidates."""
        return stacked(self.candidates.runs, "val")

    @cached_property
    def best_single(self) -> StoredRun:
        """The best of the candidates that are within the budget by themselves."""
        best = self._baseline_board.best_first(slice(None))[0]
        return self.candidates.runs[affordable(self.candidates, self.max_cost_ms)[best]]

    @cached_property
    def baseline(self) -> CrossFit:
        """Taking the best single run, cross-fitted."""
        return self.cross_fit(BoardTopK(self._baseline_board, 1), self._val_within_budget)

    def _quick(self, combiner: Combiner) -> Combiner:
        return BoardTopK(self._board, combiner.k, combiner.families) if isinstance(combiner, TopK) else combiner

    @cached_property
    def _board(self) -> Scoreboard:
        return Scoreboard(self.val, self.candidates.labels)

    @cached_property
    def _baseline_board(self) -> Scoreboard:
        within = self._val_within_budget
        return self._board if within is self.val else Scoreboard(within, self.candidates.labels)

    @cached_property
    def _val_within_budget(self) -> Probs:
        within = affordable(self.candidates, self.max_cost_ms)
        return self.val if len(within) == len(self.val) else self.val[within]

    def cross_fit(self, combiner: Combiner, val: Probs) -> CrossFit:
        """On the folds that all methods share."""
        folds, repeats, seed = self.folds, self.protocol.repeats, self.protocol.seed
        if isinstance(combiner, BoardTopK):
            return cross_fit_top(combiner, val, folds=folds, repeats=repeats, seed=seed)
        return cross_fit(combiner, val, self.candidates.labels, folds=folds, repeats=repeats, seed=seed)

    @property
    def folds(self) -> int:
        """As asked for, at most one an image."""
        return min(self.protocol.folds, len(self.candidates.labels))

    def asked(self, method: str) -> dict[str, Any]:
        """What determines an ensemble: the content of its config.json."""
        limit = {} if self.max_cost_ms is None else {"max_cost_ms": self.max_cost_ms}
        protocol = self.protocol
        about = {"method": method, "folds": protocol.folds, "repeats": protocol.repeats, "seed": protocol.seed}
        return about | limit | {"candidates": self.candidates.names}

    def _name(self, method: str) -> str:
        digests = {run.run_id: run.result.artefacts["val.npy"] for run in self.candidates.runs}
        limit = "" if self.max_cost_ms is None else f"-{self.max_cost_ms:g}ms"
        code = content_hash(self.asked(method) | {"candidates": digests, "form": FORM})
        return f"ensemble-{method}{limit}-{code[:8]}"


class _Ensemble:
    """One fitted combiner, from the arrays of its candidates to a result."""

    def __init__(self, bench: Workbench, method: str, run_id: str, combiner: Combiner) -> None:
        self._bench, self._method, self._run_id, self._combiner = bench, method, run_id, combiner
        self._candidates, self._labels = bench.candidates, bench.candidates.labels
        self._used = [self._candidates.runs[index] for index in combiner.models_used]
        self._formula = Formula.of(combiner, self._candidates.names)
        self._log_probs = self._predicted()
        self._crossed = bench.cross_fit(combiner, bench.val)
        self._metrics = self._scores()
        self._combination = Combination(**self._choice(), **self._comparison(), **self._costs(), **self._anatomy())

    def _predicted(self) -> dict[Split, Probs]:
        """Log-probabilities by split, from the members alone, as anybody can make them again."""
        log_probs: dict[Split, Probs] = {}
        log_probs["val"] = log_of(self._formula.predict(self._bench.val[self._combiner.models_used]))
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
        """What was chosen, out of what."""
        digests = [run.result.artefacts["val.npy"] for run in self._used]
        formula = self._formula
        return {
            "method": self._method,
            "members": tuple(
                Member(run_id=run_id, weight=weight, val_digest=digest)
                for run_id, weight, digest in zip(formula.members, formula.weights, digests, strict=True)
            ),
            "candidates": self._candidates.names,
            "max_cost_ms": self._bench.max_cost_ms,
            "left_out": self._candidates.left_out,
            "exponents": formula.exponents,
            "prior_shift": formula.prior_shift,
        }

    def _comparison(self) -> dict[str, Any]:
        """Scores, and what was gained over the best single run."""
        crossed, baseline, classes = self._crossed, self._bench.baseline, self._metrics.classes
        interval = macro_f1_interval(self._labels, crossed.predicted, classes)
        gain = paired_difference_interval(self._labels, crossed.predicted, baseline.predicted, classes)
        return {
            "fit_score": self._metrics.macro_f1,
            "cross_fitted": crossed.score,
            "cross_fitted_low": interval.low if interval else None,
            "cross_fitted_high": interval.high if interval else None,
            "best_single": self._bench.best_single.run_id,
            "best_single_cross_fitted": baseline.score,
            "gain": crossed.score - baseline.score,
            "gain_low": gain.low if gain else None,
            "gain_high": gain.high if gain else None,
        }

    def _costs(self) -> dict[str, Any]:
        return {
            "members_train_seconds": _train_seconds(self._used),
            "candidates_train_seconds": _train_seconds(self._candidates.runs),
        }

    def _anatomy(self) -> dict[str, Any]:
        """What the report shows of its inside."""
        combiner, candidates, folds, seed = (
            self._combiner,
            self._candidates,
            self._bench.folds,
            self._bench.protocol.seed,
        )
        predicted = self._bench.val[combiner.models_used].argmax(axis=2)
        names = candidates.images.class_names
        return {
            "greedy": greedy_path(combiner, candidates, self._bench.val, folds, seed),
            "cascade": cascade_path(combiner, candidates),
            "diversity": diversity(self._formula.members, self._formula.weights, predicted, self._labels),
            "class_changes": class_changes(self._labels, self._bench.baseline, self._crossed, names),
            "calibration": calibration(self._labels, self._crossed.probs[0], seed),
        }

    def result(self) -> Result:
        """All that is known of it."""
        first = self._candidates.runs[0].result
        return Result(
            run_id=self._run_id,
            kind="ensemble",
            data=first.data,
            data_fingerprint=first.data_fingerprint,
            weights=_common(run.result.weights for run in self._used),
            metrics=self._metrics,
            cost=_cost(self._used, self._combination),
            setup=Setup(
                device=_common(run.result.setup.device for run in self._used) or "several",
                cores=cores(),
                precision=_common(run.result.setup.precision for run in self._used) or "several",
                strategy=_common(run.result.setup.strategy for run in self._used) or "several",
                code_revision=code_revision(),
            ),
            combination=self._combination,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def outputs(self) -> Outputs:
        """What is stored beside the result: predictions, and held-out ones as classes (R, N)."""
        images = self._candidates.images
        if "test" not in self._log_probs:
            images = images.model_copy(update={"test_ids": (), "test_labels": None})
        return Outputs(
            config=self._bench.asked(self._method),
            environment=describe(f"{cpu_model()} ({cores()} cores)", code_revision()),
            history=None,
            images=images,
            log_probs=self._log_probs,
            log="",
            arrays={"cross_fitted": self._crossed.predicted.astype(np.int32), **self._formula.arrays},
        )


def _cost(used: Sequence[StoredRun], combination: Combination) -> Cost:
    """Training: all candidates had to be trained to choose among them. Inference: the members that are used.

    A cascade's is what it used per image on the validation images.
    """
    costs = [run.result.cost for run in used]
    parameters, memory = [cost.parameters for cost in costs], [cost.peak_memory_mib for cost in costs]
    cascade = combination.cascade
    return Cost(
        train_seconds_full=combination.candidates_train_seconds,
        inference_ms_per_image=cascade.chosen.ms_per_image
        if cascade
        else _total(cost.inference_ms_per_image for cost in costs),
        parameters=None if None in parameters else sum(number for number in parameters if number is not None),
        gflops_per_image=_gflops(used, combination),
        peak_memory_mib=max((mib for mib in memory if mib is not None), default=None),
    )


def _gflops(used: Sequence[StoredRun], combination: Combination) -> float | None:
    """Those of all members; of a cascade, of each stage as often as it is run."""
    each = {run.run_id: run.result.cost.gflops_per_image for run in used}
    if combination.cascade is None:
        return _total(each.values())
    point = combination.cascade.chosen
    known = [each[stage] for stage in point.stages]
    return _total(None if gflops is None else share * gflops for share, gflops in zip(point.reach, known, strict=True))


def _train_seconds(runs: Sequence[StoredRun]) -> float | None:
    return _total(run.result.cost.train_seconds_full for run in runs)


def _total(numbers: Iterable[float | None]) -> float | None:
    """The sum; None where one is not known."""
    known = list(numbers)
    return None if None in known else sum(number for number in known if number is not None)


def _common(values: Iterable[str | None]) -> str | None:
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def one_thread() -> AbstractContextManager[object]:
    """One thread, for matrices so small that threads wait for each other longer than they multiply.

    On two cores it halved the processor time of intervals, and that of a stack's fits fell to a seventh.
    """
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits
