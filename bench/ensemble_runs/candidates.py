"""Runs that an ensemble can be made of, their checked probabilities, and the members of stored ensembles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bench.errors import UserError
from bench.store.configuration import configurations
from bench.store.ensemble_result import Combination, LeftOut
from bench.store.metrics import Labels
from bench.store.selection import apart, check_same_images, floor_of, runs_of
from bench.store.store import Images, Split, Store, StoredRun
from ensembles.base import ROW_SUM_TOLERANCE, Probs
from ensembles.formula import Formula

_UNFINISHED = "its directory has no result.json; remove it and run it again"
_SAW = "trained on validation images, so nothing can be fitted or scored on them with it"
_RANDOM = "its frozen backbone is of random weights, and other runs exist"
SHOWN_LEFT_OUT = 6
ENSEMBLE = "ensemble-"  # start of the name of every ensemble
HELD_OUT = "cross_fitted"  # name of an ensemble's held-out predictions among its arrays: int (R, N)


def total(numbers: Iterable[float | None]) -> float | None:
    """The sum of costs; None if one is not known."""
    known = list(numbers)
    return None if None in known else sum(number for number in known if number is not None)


@dataclass(frozen=True)
class Candidates:
    """Runs of the same images, sorted by name, so that the order in which they were given changes nothing.

    Attributes:
        runs: M of them, one a configuration: its lowest seed.
        left_out: runs that were refused, and the reasons.
        seeds: of each, all stored seeds of its configuration, by whose mean score it is ranked.
    """

    runs: tuple[StoredRun, ...]
    left_out: tuple[LeftOut, ...] = ()
    seeds: tuple[tuple[StoredRun, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """M run_ids."""
        return tuple(run.run_id for run in self.runs)

    @property
    def families(self) -> list[str]:
        """M names; a run without a family is a family of its own."""
        return [run.result.family or run.run_id for run in self.runs]

    @property
    def images(self) -> Images:
        """Rows of the arrays, from a run with test predictions and test labels if one has them: added runs may not."""

        def lacks(run: StoredRun) -> tuple[bool, bool]:
            return not run.has("test"), run.images.test_labels is None

        return min(self.runs, key=lacks).images

    @cached_property
    def labels(self) -> Labels:
        """Validation labels (N,)."""
        return np.array(self.images.val_labels, dtype=np.int64)

    @property
    def inference_ms(self) -> list[float] | None:
        """M milliseconds per image; None if one is not known, or if they were measured on several devices."""
        return None if self.no_costs_reason() else [run.result.cost.inference_ms_per_image or 0.0 for run in self.runs]

    def notes(self) -> list[str]:
        """Lines about runs that are no candidates: other seeds, random networks, others one by one if they are few."""
        several = sum(len(runs) > 1 for runs in self.seeds)
        has = "configuration has" if several == 1 else "configurations have"
        seeds = f"{several} {has} several seeds; the run of the lowest is the candidate, ranked by the mean over seeds."
        lines = [seeds] if several else []
        left_out = [run for run in self.left_out if run.reason != _RANDOM]
        if random := len(self.left_out) - len(left_out):
            lines.append(
                f"Frozen backbones of random weights are no candidates beside other runs: {random} left out. "
                "Name those that you want with --members."
            )
        if len(left_out) <= SHOWN_LEFT_OUT:
            return lines + [f"{run.run_id} is left out: {run.reason}." for run in left_out]
        first = left_out[0]
        return [*lines, f"{len(left_out)} runs are left out; for example {first.run_id}: {first.reason}."]

    def no_costs_reason(self) -> str | None:
        """Reason why the candidates' inference times cannot be added up; None if they can."""
        unknown = [run.run_id for run in self.runs if run.result.cost.inference_ms_per_image is None]
        if unknown:
            return f"the milliseconds per image of {unknown[0]} are not known"
        devices = {run.result.setup.device: run.run_id for run in self.runs}
        if len(devices) > 1:
            first, second = sorted(devices.items())[:2]
            return f"they were measured on several devices ({first[1]} on {first[0]}, {second[1]} on {second[0]})"
        return None


def find(store: Store, data: str | None, members: Sequence[str]) -> Candidates:
    """The runs with these names; without names, one run of each configuration of the data set, its lowest seed.

    Of several runs whose validation predictions are the same to the last byte, only the cheapest is taken. Without
    names, runs that saw validation images, runs that cannot be compared with most others, and beside other runs frozen
    backbones of random weights are left out.

    Raises:
        UserError: no run, no run that can be a candidate, or the name of a run that saw validation images or has other
            images.
    """
    if members:
        return _named({run.run_id: run for run in (store.get(member) for member in members)})
    found = of_runs(runs_of(store, data))
    if not found.runs:
        raise UserError(_no_candidate(store, found.left_out))
    runs = [run_id for run_id in store.damaged() if not run_id.startswith(ENSEMBLE)]
    damaged = [LeftOut(run_id=run_id, reason=_UNFINISHED) for run_id in runs]
    return replace(found, left_out=(*found.left_out, *damaged))


def _no_candidate(store: Store, left_out: Sequence[LeftOut]) -> str:
    """The error of a store without a candidate, with the reason."""
    if not left_out:
        reason = "all runs were removed, ensembles are left. Train some again."
    elif all(one.reason == f"it was {_SAW}" for one in left_out):
        reason = f"{len(left_out)} runs were {_SAW}. Train others without --train-on train+val."
    else:
        first = next(one for one in left_out if one.reason != f"it was {_SAW}")
        reason = f"{len(left_out)} runs are left out, for example {first.run_id}: {first.reason}. Run it again."
    return f"No candidate in '{store.root}': {reason}"


def of_runs(runs: Sequence[StoredRun]) -> Candidates:
    """The candidates among all runs of a data set."""
    singles, reasons = [run for run in runs if run.result.kind != "ensemble"], apart(runs)
    left_out = [LeftOut(run_id=run.run_id, reason=f"it was {_SAW}") for run in singles if _saw_validation(run)]
    left_out += [
        LeftOut(run_id=run.run_id, reason=f"it was {reasons[run.run_id]}")
        for run in singles
        if run.run_id in reasons and not _saw_validation(run)
    ]
    found = configurations(run for run in singles if run.run_id not in reasons)
    floor = {one.member.run_id: one.run_ids for one in floor_of(found, frozen=True)}
    left_out += [LeftOut(run_id=run_id, reason=_RANDOM) for run_ids in floor.values() for run_id in run_ids]
    seeds = {one.member.run_id: one.runs for one in found if one.member.run_id not in floor}
    same, others = _of_the_same_tests([seeds[name][0] for name in sorted(seeds)])
    kept, twins = _without_twins(same)
    return Candidates(kept, (*left_out, *others, *twins), tuple(seeds[run.run_id] for run in kept))


def _named(chosen: Mapping[str, StoredRun]) -> Candidates:
    seen = next((run_id for run_id in sorted(chosen) if _saw_validation(chosen[run_id])), None)
    if seen is not None:
        raise UserError(f"{seen} was {_SAW}.")
    runs, twins = _without_twins([chosen[run_id] for run_id in sorted(chosen)])
    check_same_images(runs)
    return Candidates(runs, twins, tuple((run,) for run in runs))


def _of_the_same_tests(runs: Sequence[StoredRun]) -> tuple[list[StoredRun], list[LeftOut]]:
    """Runs with the test images that most have, in the same order, and runs without predictions of test images."""
    tests = {run.run_id: run.images.test_ids for run in runs if run.has("test")}
    counts = Counter(tests.values())
    most = min(counts, key=lambda ids: (-counts[ids], ids), default=())
    reason = "it was applied to other test images"
    others = [LeftOut(run_id=run.run_id, reason=reason) for run in runs if tests.get(run.run_id, most) != most]
    return [run for run in runs if tests.get(run.run_id, most) == most], others


def _saw_validation(run: StoredRun) -> bool:
    return run.result.metrics.saw_validation


def _without_twins(runs: Sequence[StoredRun]) -> tuple[tuple[StoredRun, ...], tuple[LeftOut, ...]]:
    kept: dict[str, StoredRun] = {}
    for run in sorted(runs, key=_price):
        kept.setdefault(run.val_digest, run)
    twins = [(run, kept[run.val_digest]) for run in runs]
    left_out = [
        LeftOut(run_id=run.run_id, reason=f"its predictions are those of {twin.run_id} to the last byte")
        for run, twin in twins
        if twin is not run
    ]
    return tuple(run for run, twin in twins if twin is run), tuple(left_out)


def _price(run: StoredRun) -> tuple[float, str]:
    milliseconds = run.result.cost.inference_ms_per_image
    return math.inf if milliseconds is None else milliseconds, run.run_id


def stacked(runs: Sequence[StoredRun], split: Split) -> Probs:
    """Probabilities of these runs: float32 (M, N, C), rows sum to 1.

    Raises:
        UserError: names a run whose predictions are not log-probabilities.
    """
    probs = np.empty((len(runs), *runs[0].log_probs(split).shape), dtype=np.float32)
    for run, rows in zip(runs, probs, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            np.exp(run.log_probs(split), out=rows)
        _check_rows(run, split, rows)
    return probs


def _check_rows(run: StoredRun, split: Split, rows: Probs) -> None:
    sums = rows.sum(axis=1)
    bad = ~np.isfinite(sums)
    name = {"val": "validation", "test": "test"}[split]
    remedy = "Remove that run and run it again, or leave it out with --members."
    if bad.any():
        raise UserError(
            f"{run.run_id} has NaN or infinite {name} predictions in {bad.sum()} of {len(rows)} rows. {remedy}"
        )
    worst = int(np.argmax(np.abs(sums - 1)))
    if abs(sums[worst] - 1) > ROW_SUM_TOLERANCE:
        image = (run.images.val_ids if split == "val" else run.images.test_ids)[worst]
        raise UserError(
            f"{run.run_id} gives the {name} image '{image}' probabilities that sum to {sums[worst]:.4g}, not to 1. "
            f"{remedy}"
        )


def member_states(store: Store, combination: Combination) -> dict[str, str]:
    """Member -> its change since the ensemble was made, as text; empty: none."""
    states = {}
    for member in combination.members:
        found = store.find(member.run_id)
        changed = found is not None and found.val_digest != member.val_digest
        states[member.run_id] = "is no longer in the store" if found is None else "was run again since" * changed
    return states


def missing_member(store: Store, combination: Combination) -> str:
    """Text about the first member that changed ("its member NAME was run again since"); empty: none."""
    states = member_states(store, combination)
    return next((f"its member {run_id} {state}" for run_id, state in states.items() if state), "")


def formula_of(ensemble: StoredRun) -> Formula:
    """State of the combiner that a stored ensemble was made with, its members in the order of the combination."""
    combination = ensemble.combination
    names = [member.run_id for member in combination.members]
    cascade = combination.cascade.chosen if combination.cascade else None
    return Formula(
        weights=np.array([member.weight for member in combination.members]),
        exponents=None if combination.exponents is None else np.array(combination.exponents),
        stages=tuple(map(names.index, cascade.stages)) if cascade else None,
        threshold=cascade.threshold if cascade else 0.0,
        arrays={name: array for name, array in ensemble.arrays.items() if name != HELD_OUT},
        prior_shift=None if combination.prior_shift is None else np.array(combination.prior_shift),
    )


def predictions(store: Store, ensemble: StoredRun, split: Split) -> Probs:
    """Probabilities (N, C) of a stored ensemble, computed again from its members in the store.

    Raises:
        UserError: it is a run, or a member was removed or run again.
    """
    missing = missing_member(store, ensemble.combination)
    if missing:
        raise UserError(f"{ensemble.run_id} cannot be combined again: {missing}.")
    members = [store.get(member.run_id) for member in ensemble.combination.members]
    return formula_of(ensemble).predict(stacked(members, split))
