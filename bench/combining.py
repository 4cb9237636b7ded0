"""What `bench ensemble` does: combine saved predictions, score the combination honestly, price it, store it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from bench.config import content_hash
from bench.environment import code_revision, cores, cpu_model, describe
from bench.errors import UserError
from bench.result import Combination, Cost, Member, Result, Setup
from bench.scoring import score
from bench.selection import check_same_images, runs_of
from bench.store import Images, Outputs, Split, Store, StoredRun
from ensembles.base import Combiner
from ensembles.crossfit import CrossFit, cross_fit
from ensembles.registry import make
from ensembles.uncertainty import macro_f1_interval, paired_difference_interval

Probs = npt.NDArray[np.float32]
BASELINE = "top1"  # "take the best single run", a fitted method like the others


@dataclass(frozen=True)
class Protocol:
    """How an ensemble is scored: repeats of stratified folds."""

    folds: int = 5
    repeats: int = 5
    seed: int = 0


def combine(store: Store, method: str, data: str | None, members: Sequence[str], protocol: Protocol) -> StoredRun:
    """Fits a combiner on validation, applies it to test, stores the outcome. One that is stored already is returned.

    Args:
        method: `top3`, `mean`, ... (`ensembles.registry`).
        data: the data set; None where the store holds one.
        members: the candidates by name; all trained runs of the data set where none is named.

    Raises:
        UserError: an unknown method, too few candidates, or some that do not belong together.
    """
    candidates = _candidates(store, data, members)
    combiner = _combiner(method, candidates)
    check_same_images(candidates)
    run_id = _name(method, candidates, protocol)
    if store.is_finished(run_id):
        return store.get(run_id)
    result, outputs = _Ensemble(method, run_id, candidates, combiner, protocol).fitted()
    return store.save(result, outputs)


def _candidates(store: Store, data: str | None, members: Sequence[str]) -> list[StoredRun]:
    """Sorted by name, so that the order in which they are given changes nothing."""
    if members:
        chosen = {run.run_id: run for run in (store.get(member) for member in members)}
    else:
        chosen = {run.run_id: run for run in runs_of(store, data) if run.result.kind != "ensemble"}
    seen = [run_id for run_id, run in chosen.items() if run.result.metrics.saw_validation]
    if seen:
        raise UserError(
            f"{seen[0]} was trained on validation images, so nothing can be fitted or scored on them with it."
        )
    return [chosen[run_id] for run_id in sorted(chosen)]


def _combiner(method: str, candidates: Sequence[StoredRun]) -> Combiner:
    families = [run.result.family or run.run_id for run in candidates]
    try:
        combiner = make(method, families=families)
    except ValueError as error:
        raise UserError(f"{error}.") from None
    wanted = getattr(combiner, "k", 1)
    if len(candidates) < wanted:
        found = f"{len(candidates)}: {_listed(candidates)}"
        raise UserError(f"{method} needs {wanted} finished runs of one data set; there are {found}.")
    return combiner


def _listed(runs: Sequence[StoredRun]) -> str:
    return ", ".join(run.run_id for run in runs) or "none"


def _name(method: str, candidates: Sequence[StoredRun], protocol: Protocol) -> str:
    digests = {run.run_id: run.result.artefacts["val.npy"] for run in candidates}
    asked = {
        "method": method,
        "candidates": digests,
        "folds": protocol.folds,
        "repeats": protocol.repeats,
        "seed": protocol.seed,
    }
    return f"ensemble-{method}-{content_hash(asked)[:8]}"


class _Ensemble:
    """One combiner over its candidates, from their arrays to a result."""

    def __init__(
        self, method: str, run_id: str, candidates: Sequence[StoredRun], combiner: Combiner, protocol: Protocol
    ) -> None:
        self._method, self._run_id, self._candidates = method, run_id, candidates
        self._combiner, self._protocol = combiner, protocol
        self._images: Images = candidates[0].images
        self._labels = np.array(self._images.val_labels, dtype=np.int64)

    def fitted(self) -> tuple[Result, Outputs]:
        """Fits, predicts, scores and prices."""
        val = _stacked(self._candidates, "val")
        self._combiner.fit(val, self._labels)
        log_probs: dict[Split, Probs] = {"val": _log(self._combiner.predict_proba(val))}
        if all(run.has("test") for run in self._candidates):
            log_probs["test"] = _log(self._combiner.predict_proba(_stacked(self._candidates, "test")))
        combination = self._combination(val, log_probs["val"])
        return self._result(log_probs, combination), self._outputs(log_probs, combination)

    def _combination(self, val: Probs, fitted: Probs) -> Combination:
        ours, best = self._cross_fit(self._combiner, val), self._cross_fit(make(BASELINE), val)
        classes = val.shape[2]
        interval = macro_f1_interval(self._labels, ours.predicted, classes)
        gain = paired_difference_interval(self._labels, ours.predicted, best.predicted, classes)
        single = make(BASELINE).fit(val, self._labels).models_used[0]
        return Combination(
            method=self._method,
            members=tuple(self._members()),
            candidates=tuple(run.run_id for run in self._candidates),
            fit_score=score({"val": fitted}, self._labels, None).macro_f1,
            cross_fitted_low=interval.low if interval else None,
            cross_fitted_high=interval.high if interval else None,
            cross_fitted=ours.score,
            best_single=self._candidates[single].run_id,
            best_single_cross_fitted=best.score,
            gain=ours.score - best.score,
            gain_low=gain.low if gain else None,
            gain_high=gain.high if gain else None,
            members_train_seconds=_total(run.result.cost.train_seconds_full for run in self._used()),
            candidates_train_seconds=_total(run.result.cost.train_seconds_full for run in self._candidates),
        )

    def _cross_fit(self, combiner: Combiner, val: Probs) -> CrossFit:
        protocol = self._protocol
        folds = min(protocol.folds, len(self._labels))
        return cross_fit(combiner, val, self._labels, folds=folds, repeats=protocol.repeats, seed=protocol.seed)

    def _used(self) -> list[StoredRun]:
        return [self._candidates[index] for index in self._combiner.models_used]

    def _members(self) -> Iterable[Member]:
        for index in self._combiner.models_used:
            run = self._candidates[index]
            weight = float(self._combiner.weights[index])
            yield Member(run_id=run.run_id, weight=weight, val_digest=run.result.artefacts["val.npy"])

    def _result(self, log_probs: dict[Split, Probs], combination: Combination) -> Result:
        answers = self._images.test_labels
        metrics = score(
            log_probs,
            self._labels,
            None if answers is None else np.array(answers, dtype=np.int64),
            macro_f1_cross_fitted=combination.cross_fitted,
            selected_on_validation=True,
        )
        first = self._candidates[0].result
        return Result(
            run_id=self._run_id,
            kind="ensemble",
            data=first.data,
            data_fingerprint=first.data_fingerprint,
            weights=_common(run.result.weights for run in self._used()),
            metrics=metrics,
            cost=_cost(self._used(), combination),
            setup=Setup(
                device=_common(run.result.setup.device for run in self._used()) or "several",
                cores=cores(),
                precision=_common(run.result.setup.precision for run in self._used()) or "several",
                strategy=_common(run.result.setup.strategy for run in self._used()) or "several",
                code_revision=code_revision(),
            ),
            combination=combination,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _outputs(self, log_probs: dict[Split, Probs], combination: Combination) -> Outputs:
        protocol = self._protocol
        return Outputs(
            config={
                "method": self._method,
                "candidates": combination.candidates,
                "folds": protocol.folds,
                "repeats": protocol.repeats,
                "seed": protocol.seed,
            },
            environment=describe(f"{cpu_model()} ({cores()} cores)", code_revision()),
            history=None,
            images=self._images
            if "test" in log_probs
            else self._images.model_copy(update={"test_ids": (), "test_labels": None}),
            log_probs=log_probs,
            log="",
        )


def _cost(used: Sequence[StoredRun], combination: Combination) -> Cost:
    """Training: all candidates had to be trained to choose among them. Inference: the members that are used."""
    costs = [run.result.cost for run in used]
    parameters, memory = [cost.parameters for cost in costs], [cost.peak_memory_mib for cost in costs]
    return Cost(
        train_seconds_full=combination.candidates_train_seconds,
        inference_ms_per_image=_total(cost.inference_ms_per_image for cost in costs),
        parameters=None if None in parameters else sum(number for number in parameters if number is not None),
        gflops_per_image=_total(cost.gflops_per_image for cost in costs),
        peak_memory_mib=max((mib for mib in memory if mib is not None), default=None),
    )


def _total(numbers: Iterable[float | None]) -> float | None:
    """The sum; None where one is not known."""
    known = list(numbers)
    return None if None in known else sum(number for number in known if number is not None)


def _common(values: Iterable[str | None]) -> str | None:
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _stacked(runs: Sequence[StoredRun], split: Split) -> Probs:
    """Probabilities of all runs, float32 (M, N, C)."""
    first = runs[0].log_probs(split)
    stacked = np.empty((len(runs), *first.shape), dtype=np.float32)
    for row, run in zip(stacked, runs, strict=True):
        np.exp(run.log_probs(split), out=row)
    return stacked


def _log(probs: Probs) -> Probs:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(probs), np.finfo(np.float32).min).astype(np.float32)
