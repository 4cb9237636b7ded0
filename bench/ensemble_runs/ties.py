"""Which runs cannot be told apart from the best one, and which ensembles from the best of those."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.config.base import content_hash
from bench.files import sha256, write_json
from bench.store.result import Metrics
from bench.store.selection import best_single
from bench.store.store import Store, StoredRun
from ensembles import smoothing, uncertainty
from ensembles.uncertainty import paired_difference_interval

# Of the paired interval that decides a mark: a deviation from 400 draws is off by 4 %, and forty marks take a second.
MARK_RESAMPLES = 400


class Marks:
    """Verdicts on pairs, kept in the store, since both sides of most pairs are the same in the next report."""

    def __init__(self, store: Store | None = None) -> None:
        self._path = None if store is None else store.marks
        self._known: dict[str, bool] = {}
        self._grown = False
        with contextlib.suppress(OSError, ValueError, AttributeError):
            content = json.loads(store.marks.read_bytes()) if store else {}
            self._known = content["verdicts"] if content.get("form") == _form() else {}

    def get(self, key: str, decide: Callable[[], bool]) -> bool:
        """The verdict on a pair, decided if it is not known."""
        if key not in self._known:
            self._known[key] = decide()
            self._grown = True
        return self._known[key]

    def keep(self) -> None:
        """Writes what was decided; a store that can only be read is reported all the same."""
        if self._path is not None and self._grown:
            with contextlib.suppress(OSError):
                write_json(self._path, {"form": _form(), "verdicts": self._known})


def _form() -> str:
    """What a verdict depends on beside predictions: when the code of the intervals changes, all are made again."""
    code = [sha256(Path(str(module.__file__))) for module in (smoothing, uncertainty)]
    return content_hash([MARK_RESAMPLES, *code])


def indistinguishable(runs: Sequence[StoredRun], marks: Marks | None = None) -> dict[str, bool]:
    """Which single runs cannot be told apart from the best one, by a paired interval over the same images."""
    singles = {run.run_id: run for run in runs if run.result.kind == "run"}
    best = best_single([run.result for run in singles.values()])
    if best is None:
        return {}
    reference, marks = singles[best.run_id], marks or Marks()
    alike = {
        run_id: True if run is reference else _alike(run, reference, marks)
        for run_id, run in singles.items()
        if run.images.val_ids == reference.images.val_ids
    }
    marks.keep()
    return alike


def alike_ensembles(ensembles: Sequence[StoredRun], marks: Marks) -> dict[str, bool]:
    """Which ensembles cannot be told apart from the one with the best cross-fitted score, by held-out predictions.

    Those of which no held-out predictions are kept, or of other images, are not in the answer.
    """
    scored = [stored for stored in ensembles if "cross_fitted" in stored.arrays]
    best = min(scored, key=_place, default=None)
    if best is None:
        return {}
    alike = {
        stored.run_id: True if stored is best else _alike_held_out(stored, best, marks)
        for stored in scored
        if stored.images.val_ids == best.images.val_ids
    }
    marks.keep()
    return alike


def _place(stored: StoredRun) -> tuple[float, str]:
    return -(stored.result.metrics.macro_f1_cross_fitted or 0.0), stored.run_id


def _alike_held_out(stored: StoredRun, best: StoredRun, marks: Marks) -> bool:
    def decide() -> bool:
        return _within_noise(best, best.arrays["cross_fitted"], stored.arrays["cross_fitted"])

    return marks.get(_key(best, stored, "arrays.npz"), decide)


def _alike(run: StoredRun, best: StoredRun, marks: Marks) -> bool:
    if _far_apart(run.result.metrics, best.result.metrics):
        return False

    def decide() -> bool:
        return _within_noise(best, *(one.log_probs("val").argmax(axis=1) for one in (best, run)))

    return marks.get(_key(best, run, "val.npy"), decide)


def _within_noise(best: StoredRun, theirs: npt.NDArray[np.intp], ours: npt.NDArray[np.intp]) -> bool:
    """Whether the interval of the difference, of predictions (N,) or (R, N), holds zero or less."""
    labels, classes = np.array(best.images.val_labels), len(best.images.class_names)
    interval = paired_difference_interval(labels, theirs, ours, classes, resamples=MARK_RESAMPLES)
    return interval is None or interval.low <= 0.0  # too few images for an interval: nothing can be told apart


def _key(best: StoredRun, other: StoredRun, name: str) -> str:
    """The contents that were compared, whatever the runs are called."""
    labels = best.result.artefacts.get(best.paths.images.name, "")
    return "-".join(digest[:16] for digest in (labels, best.result.artefacts[name], other.result.artefacts[name]))


def _far_apart(run: Metrics, best: Metrics) -> bool:
    """Whether no pairing can bring them together: the deviation of a difference is at most the sum of both."""
    if run.macro_f1_high is None or best.macro_f1_low is None:
        return False
    return run.macro_f1_high < best.macro_f1_low
