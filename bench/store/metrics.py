"""Metrics of a run or an ensemble, computed from its predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.store.result import Metrics
from bench.store.store import Split
from ensembles.metrics import accuracy, log_loss, macro_f1
from ensembles.uncertainty import macro_f1_interval

Labels = npt.NDArray[np.int64]


def score(
    log_probs: Mapping[Split, npt.NDArray[np.float32]], val_labels: Labels, test_labels: Labels | None, **facts: Any
) -> Metrics:
    """Scores of one set of predictions.

    Args:
        log_probs: split -> float32 (N, C).
        val_labels: int (N of val,).
        test_labels: int (N of test,); None: not known.
        facts: further fields of `Metrics`.
    """
    val = log_probs["val"]
    scores = _scores(val_labels, val, "")
    if test_labels is not None and "test" in log_probs:
        scores |= _scores(test_labels, log_probs["test"], "test_")
    return Metrics(
        **scores,
        log_loss=None if facts.get("labels_only") else log_loss(val_labels, val),
        classes=val.shape[1],
        val_images=len(val),
        test_images=len(log_probs["test"]) if "test" in log_probs else 0,
        **facts,
    )


def known_duplicates(found: Iterable[Metrics]) -> dict[str, int | None]:
    """Counts of images in several splits of a data set, from the first of its runs that counted them."""
    names = ("val_duplicates", "test_duplicates")
    known = [{name: getattr(metrics, name) for name in names} for metrics in found]
    return next((counts for counts in known if counts["val_duplicates"] is not None), dict.fromkeys(names))


def _scores(labels: Labels, log_probs: npt.NDArray[np.float32], prefix: str) -> dict[str, Any]:
    predicted, classes = log_probs.argmax(axis=1), log_probs.shape[1]
    interval = macro_f1_interval(labels, predicted, classes)
    found: dict[str, Any] = {"macro_f1": macro_f1(labels, predicted, classes), "accuracy": accuracy(labels, predicted)}
    if interval is not None:
        found |= {"macro_f1_low": interval.low, "macro_f1_high": interval.high}
        if not prefix:
            found["macro_f1_interval_method"] = interval.method
    return {prefix + name: value for name, value in found.items()}
