"""Which runs an ensemble may be made of, and their probabilities, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bench.errors import UserError
from bench.store.ensemble_result import LeftOut
from bench.store.selection import check_same_images, runs_of
from bench.store.store import Images, Split, Store, StoredRun
from ensembles.base import ROW_SUM_TOLERANCE

Probs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Candidates:
    """Runs of the same images, sorted by name, so that the order in which they were given changes nothing.

    Attributes:
        runs: M of them.
        left_out: those that were not let in, and why.
    """

    runs: tuple[StoredRun, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """M run_ids."""
        return tuple(run.run_id for run in self.runs)

    @property
    def families(self) -> list[str]:
        """M names; a run without a family is one of its own."""
        return [run.result.family or run.run_id for run in self.runs]

    @property
    def images(self) -> Images:
        """What the rows of the arrays are; of the first with test predictions, since an added run may have none."""
        return next((run for run in self.runs if run.has("test")), self.runs[0]).images

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """Validation labels (N,)."""
        return np.array(self.images.val_labels, dtype=np.int64)

    @property
    def inference_ms(self) -> list[float] | None:
        """M milliseconds per image; None where one is not known, or where they were measured on several devices."""
        return None if self.why_no_costs() else [run.result.cost.inference_ms_per_image or 0.0 for run in self.runs]

    def why_no_costs(self) -> str | None:
        """Why the candidates' inference times cannot be added up, if so."""
        unknown = [run.run_id for run in self.runs if run.result.cost.inference_ms_per_image is None]
        if unknown:
            return f"the milliseconds per image of {unknown[0]} are not known"
        devices = {run.result.setup.device: run.run_id for run in self.runs}
        if len(devices) > 1:
            first, second = sorted(devices.items())[:2]
            return f"they were measured on several devices ({first[1]} on {first[0]}, {second[1]} on {second[0]})"
        return None


def stacked(runs: Sequence[StoredRun], split: Split) -> Probs:
    """Probabilities of these runs: float32 (M, N, C), rows sum to 1.

    Raises:
        UserError: names a run whose predictions are no probabilities.
    """
    first = runs[0].log_probs(split)
    probs = np.empty((len(runs), *first.shape), dtype=np.float32)
    for run, rows in zip(runs, probs, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):  # what is no logarithm is refused below
            np.exp(run.log_probs(split), out=rows)
        _check(run, split, rows)
    return probs


def find(store: Store, data: str | None, members: Sequence[str]) -> Candidates:
    """The runs that were named, else all trained and added runs of the data set.

    Of several whose validation predictions are the same to the last byte, the cheapest is taken: another adds nothing.

    Raises:
        UserError: none, some that do not belong together, or one that was trained on validation images.
    """
    if members:
        chosen = {run.run_id: run for run in (store.get(member) for member in members)}
    else:
        chosen = {run.run_id: run for run in runs_of(store, data) if run.result.kind != "ensemble"}
    seen = [run_id for run_id, run in chosen.items() if run.result.metrics.saw_validation]
    if seen:
        raise UserError(
            f"{seen[0]} was trained on validation images, so nothing can be fitted or scored on them with it."
        )
    runs, left_out = _without_twins([chosen[run_id] for run_id in sorted(chosen)])
    if runs:
        check_same_images(runs)
    return Candidates(runs, left_out)


def _without_twins(runs: Sequence[StoredRun]) -> tuple[tuple[StoredRun, ...], tuple[LeftOut, ...]]:
    kept: dict[str, StoredRun] = {}
    for run in sorted(runs, key=_price):
        kept.setdefault(run.result.artefacts["val.npy"], run)
    twins = {run.run_id: kept[run.result.artefacts["val.npy"]].run_id for run in runs}
    left_out = [
        LeftOut(run_id=run_id, reason=f"its predictions are those of {twin} to the last byte")
        for run_id, twin in twins.items()
        if run_id != twin
    ]
    return tuple(run for run in runs if twins[run.run_id] == run.run_id), tuple(left_out)


def _price(run: StoredRun) -> tuple[float, str]:
    milliseconds = run.result.cost.inference_ms_per_image
    return float("inf") if milliseconds is None else milliseconds, run.run_id


def _check(run: StoredRun, split: Split, rows: Probs) -> None:
    """Refuses what exp(log-probabilities) cannot be, naming the run."""
    sums = rows.sum(axis=1)
    bad = ~np.isfinite(sums)
    what = {"val": "validation", "test": "test"}[split]
    if bad.any():
        raise UserError(
            f"{run.run_id} has NaN or infinite {what} predictions in {bad.sum()} of {len(rows)} rows. "
            "Remove that run and run it again, or leave it out with --members."
        )
    worst = int(np.argmax(np.abs(sums - 1)))
    if abs(sums[worst] - 1) > ROW_SUM_TOLERANCE:
        image = (run.images.val_ids if split == "val" else run.images.test_ids)[worst]
        raise UserError(
            f"{run.run_id} gives the {what} image '{image}' probabilities that sum to {sums[worst]:.4g}, not to 1. "
            "Remove that run and run it again, or leave it out with --members."
        )
