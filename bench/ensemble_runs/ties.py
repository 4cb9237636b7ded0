"""Runs that cannot be told apart from the best run, and ensembles from the best ensemble."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from bench.ensemble_runs.candidates import HELD_OUT
from bench.files import write_json
from bench.store.result import Metrics
from bench.store.selection import best_single
from bench.store.store import Store, StoredRun
from ensembles.uncertainty import paired_difference_interval

# Of the paired interval that decides a mark: a deviation from 400 draws is off by 4 %, and forty marks take a second.
MARK_RESAMPLES = 400
# Raised when `ensembles.smoothing`, `ensembles.uncertainty` or MARK_RESAMPLES changes intervals: stored marks are then
# computed again.
MARKS_VERSION = 1


class Marks:
    """Verdicts on pairs of predictions, cached in the store, since most pairs return in the next report."""

    def __init__(self, store: Store) -> None:
        self._path = store.marks
        self._known: dict[str, bool] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError):  # missing or damaged: computed again
            content = json.loads(self._path.read_bytes())
            self._known = content["verdicts"] if content.get("form") == MARKS_VERSION else {}
        self._stored = len(self._known)

    def get(self, key: str, decide: Callable[[], bool]) -> bool:
        """The verdict on a pair, decided if it is not known."""
        if key not in self._known:
            self._known[key] = decide()
        return self._known[key]

    def keep(self) -> None:
        """Writes new verdicts; a read-only store is reported all the same."""
        if len(self._known) > self._stored:
            with contextlib.suppress(OSError):
                write_json(self._path, {"form": MARKS_VERSION, "verdicts": self._known})


def indistinguishable(runs: Sequence[StoredRun], marks: Marks) -> dict[str, bool]:
    """Run_id -> whether a single run cannot be told apart from the best one, by a paired interval.

    Runs of other images than the best one's, or trained on validation images, are not in the answer.
    """
    singles = [run for run in runs if run.result.kind == "run" and not run.result.metrics.saw_validation]
    best = best_single([run.result for run in singles])
    if best is None:
        return {}
    reference = next(run for run in singles if run.result is best)
    comparable = _same_images(singles, reference)
    near = [run for run in comparable if not _far_apart(run.result.metrics, best.metrics)]
    apart = dict.fromkeys([run.run_id for run in comparable], False)
    return apart | _alike(near, reference, marks, "val.npy", lambda run: run.log_probs("val").argmax(axis=1))


def alike_ensembles(ensembles: Sequence[StoredRun], marks: Marks) -> dict[str, bool]:
    """Run_id -> whether an ensemble cannot be told apart from the one with the best cross-fitted score.

    Ensembles without stored held-out predictions, or of other images, are not in the answer.
    """
    scored = [stored for stored in ensembles if HELD_OUT in stored.arrays]
    best = min(scored, key=lambda stored: (-stored.combination.cross_fitted, stored.run_id), default=None)
    if best is None:
        return {}
    return _alike(_same_images(scored, best), best, marks, "arrays.npz", lambda stored: stored.arrays[HELD_OUT])


def _same_images(runs: Iterable[StoredRun], reference: StoredRun) -> list[StoredRun]:
    return [run for run in runs if run.images.val_ids == reference.images.val_ids]


def _alike(
    runs: Iterable[StoredRun],
    best: StoredRun,
    marks: Marks,
    file: str,
    predicted: Callable[[StoredRun], npt.NDArray[np.intp]],
) -> dict[str, bool]:
    """Verdict on each run, by predictions (N,) or (R, N) that are stored in this file."""

    def alike(run: StoredRun) -> bool:
        key = _key(best, run, file)
        return run is best or marks.get(key, lambda: _within_noise(best, predicted(best), predicted(run)))

    found = {run.run_id: alike(run) for run in runs}
    marks.keep()
    return found


def _within_noise(best: StoredRun, theirs: npt.NDArray[np.intp], ours: npt.NDArray[np.intp]) -> bool:
    """Whether the interval of the difference, of predictions (N,) or (R, N), holds zero or less."""
    labels, classes = np.array(best.images.val_labels), len(best.images.class_names)
    interval = paired_difference_interval(labels, theirs, ours, classes, resamples=MARK_RESAMPLES)
    return interval is None or interval.low <= 0.0  # too few images for an interval: all are alike


def _key(best: StoredRun, other: StoredRun, name: str) -> str:
    """The contents that were compared, whatever the names of the runs."""
    labels = best.result.artefacts.get(best.paths.images.name, "")
    return "-".join(digest[:16] for digest in (labels, best.result.artefacts[name], other.result.artefacts[name]))


def _far_apart(run: Metrics, best: Metrics) -> bool:
    """Whether no pairing can make the difference noise: its deviation is at most the sum of both deviations."""
    if run.macro_f1_high is None or best.macro_f1_low is None:
        return False
    return run.macro_f1_high < best.macro_f1_low
