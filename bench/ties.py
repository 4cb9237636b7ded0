"""Which runs cannot be told apart from the best one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.result import Metrics
from bench.rows import best_single
from bench.store import StoredRun
from ensembles.uncertainty import paired_difference_interval

# Of the paired interval that decides a mark: a deviation from 400 draws is off by 4 %, and forty marks take a second.
MARK_RESAMPLES = 400


def indistinguishable(runs: Sequence[StoredRun]) -> dict[str, bool]:
    """Which single runs cannot be told apart from the best one, by a paired interval over the same images."""
    singles = {run.run_id: run for run in runs if run.result.kind == "run"}
    best = best_single([run.result for run in singles.values()])
    if best is None:
        return {}
    reference = singles[best.run_id]
    return {
        run_id: True if run is reference else _alike(run, reference)
        for run_id, run in singles.items()
        if run.images.val_ids == reference.images.val_ids
    }


def _alike(run: StoredRun, best: StoredRun) -> bool:
    if _far_apart(run.result.metrics, best.result.metrics):
        return False
    labels = np.array(best.images.val_labels)
    theirs, ours = (one.log_probs("val").argmax(axis=1) for one in (best, run))
    classes = len(best.images.class_names)
    interval = paired_difference_interval(labels, theirs, ours, classes, resamples=MARK_RESAMPLES)
    return interval is None or interval.low <= 0.0  # too few images for an interval: nothing can be told apart


def _far_apart(run: Metrics, best: Metrics) -> bool:
    """Whether no pairing can bring them together: the deviation of a difference is at most the sum of both."""
    if run.macro_f1_high is None or best.macro_f1_low is None:
        return False
    return run.macro_f1_high < best.macro_f1_low
