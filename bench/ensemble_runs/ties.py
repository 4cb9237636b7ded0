"""Configurations compared with the best one, and ensembles with the best ensemble, corrected for their number."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.config.base import content_hash
from bench.ensemble_runs.candidates import HELD_OUT
from bench.files import write_json
from bench.store.configuration import Configuration
from bench.store.store import Store, StoredRun
from ensembles.metrics import Labels, macro_f1
from ensembles.multiplicity import holm
from ensembles.uncertainty import Difference, paired_difference

LEVEL = 0.95  # of all comparisons with one reference together
# Of a paired difference: its standard error from 400 draws is off by 4 %, and forty differences take a second.
RESAMPLES = 400
# Raised when `ensembles.smoothing`, `ensembles.uncertainty` or RESAMPLES changes differences: stored ones are then
# computed again.
MARKS_VERSION = 2

Predicted = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Compared:
    """The best minus another, on the same images.

    Attributes:
        difference: of macro F1, means over seeds or repeats.
        low, high: its interval, of the level that holds for all comparisons together (Holm); None: too few images.
        p_value: adjusted for the number of comparisons; None: too few images.
        comparisons: that number.
    """

    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    comparisons: int

    @property
    def tied(self) -> bool:
        """Whether the two cannot be told apart: the interval holds zero or less, or there is none."""
        return self.low is None or self.low <= 0


class Marks:
    """Paired differences, cached in the store, since most pairs return in the next report."""

    def __init__(self, store: Store) -> None:
        self._path = store.marks
        self._known = self._read()
        self._stored = len(self._known)

    def _read(self) -> dict[str, dict[str, float] | None]:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # missing or damaged: computed again
            content = json.loads(self._path.read_bytes())
            if content.get("form") == MARKS_VERSION:
                return dict(content["differences"])
        return {}

    def get(self, key: str, compute: Callable[[], Difference | None]) -> Difference | None:
        """The difference of a pair, computed if it is not known."""
        if key not in self._known:
            found = compute()
            self._known[key] = None if found is None else asdict(found)
        known = self._known[key]
        return None if known is None else Difference(**known)  # type: ignore[arg-type]

    def keep(self) -> None:
        """Writes new differences; a read-only store is reported all the same."""
        if len(self._known) > self._stored:
            self._known = self._read() | self._known  # another cache of the same store may have written meanwhile
            self._stored = len(self._known)
            with contextlib.suppress(OSError):
                write_json(self._path, {"form": MARKS_VERSION, "differences": self._known})


@dataclass(frozen=True)
class Contestant:
    """One side of a comparison.

    Attributes:
        name: of the configuration or ensemble.
        macro_f1: mean over seeds or repeats.
        content: digest of the predictions.
        predicted: returns the predicted classes, int (S, N) or (R, N).
    """

    name: str
    macro_f1: float
    content: str
    predicted: Callable[[], Predicted]


def compare(
    best: Contestant, others: Sequence[Contestant], labels: Labels, n_classes: int, marks: Marks
) -> dict[str, Compared]:
    """Name -> comparison of the best with each of the others, on the same images.

    Args:
        best: the reference.
        others: K contestants.
        labels: int (N,).
        n_classes: C.
        marks: cache of differences.
    """
    images = content_hash([labels.tolist(), n_classes])[:16]

    def difference(other: Contestant) -> Difference | None:
        key = f"{images}-{best.content[:16]}-{other.content[:16]}"
        return marks.get(key, lambda: paired_difference(*pair(other), n_classes, resamples=RESAMPLES))

    def pair(other: Contestant) -> tuple[Labels, Predicted, Predicted]:
        return labels, best.predicted(), other.predicted()

    found = [difference(other) for other in others]
    known = [one for one in found if one is not None]
    adjusted, levels = holm([one.p_value for one in known], LEVEL)
    corrected = iter(zip(adjusted.tolist(), levels.tolist(), strict=True))
    answers = {}
    for other, one in zip(others, found, strict=True):
        gap = best.macro_f1 - other.macro_f1
        if one is None:
            answers[other.name] = Compared(gap, None, None, None, len(others))
        else:
            p_value, level = next(corrected)
            answers[other.name] = Compared(gap, *one.bounds(level), p_value, len(others))
    marks.keep()
    return answers


def compare_configurations(ranked: Sequence[Configuration], marks: Marks) -> dict[str, Compared]:
    """Run_id -> comparison of the best configuration with that of the run; the best's own runs are absent.

    Args:
        ranked: configurations of the same images, best first.
        marks: cache of differences.
    """
    if len(ranked) < 2:
        return {}
    images = ranked[0].member.images
    best, *others = map(configuration_contestant, ranked)
    found = compare(best, others, np.array(images.val_labels), len(images.class_names), marks)
    return {run_id: found[one.key] for one in ranked[1:] for run_id in one.run_ids}


def configuration_contestant(one: Configuration) -> Contestant:
    """A configuration as it is compared: the mean over its seeds."""
    content = content_hash([run.val_digest for run in one.runs])
    return Contestant(one.key, one.macro_f1, content, lambda: one.predicted)


def compare_ensembles(ensembles: Sequence[StoredRun], marks: Marks) -> dict[str, Compared]:
    """Run_id -> comparison of the ensemble with the best cross-fitted score with each other one of its images.

    Ensembles without stored held-out predictions are not in the answer.
    """
    scored = sorted(
        (stored for stored in ensembles if HELD_OUT in stored.arrays),
        key=lambda stored: (-stored.combination.cross_fitted, stored.run_id),
    )
    if len(scored) < 2:
        return {}
    images = scored[0].images
    best, *others = map(ensemble_contestant, scored)
    return compare(best, others, np.array(images.val_labels), len(images.class_names), marks)


def ensemble_contestant(stored: StoredRun) -> Contestant:
    """An ensemble as it is compared: on the held-out predictions that it must have kept."""
    digest = stored.result.artefacts[stored.paths.arrays.name]
    score = stored.combination.cross_fitted
    return Contestant(stored.run_id, score, digest, lambda: stored.arrays[HELD_OUT])


def computed_contestant(name: str, predicted: Predicted, labels: Labels, n_classes: int) -> Contestant:
    """Held-out predictions (R, N) that are not stored, as they are compared."""
    digest = hashlib.sha256(predicted.astype(np.int32).tobytes()).hexdigest()
    score = float(np.mean([macro_f1(labels, row, n_classes) for row in predicted]))
    return Contestant(name, score, digest, lambda: predicted)
