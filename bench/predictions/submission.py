"""`bench submit` and `bench score`: the test split of a stored run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_fscore_support
from tabulate import tabulate

from bench.data.answers import read_answers
from bench.errors import UserError
from bench.files import csv_text, write_text
from bench.store.store import StoredRun
from ensembles.metrics import accuracy, macro_f1, per_class_f1
from ensembles.uncertainty import macro_f1_interval


def submit(run: StoredRun, out: Path) -> int:
    """Writes Kaggle's `id,label`, labels as integers, one row per test image in the run's order. Returns the rows.

    Raises:
        UserError: no predictions of a test split, ids that are empty or repeated, or a file that cannot be written.
    """
    predicted = _predicted(run)
    ids = run.images.test_ids
    if "" in ids or len(set(ids)) < len(ids):
        raise UserError(f"Run '{run.run_id}' has test images without a unique id. Kaggle needs one for each.")
    try:
        write_text(out, csv_text([["id", "label"], *zip(ids, predicted.tolist(), strict=True)]))
    except OSError as error:
        raise UserError(f"Cannot write '{out}': {error.strerror}. Choose another file with --out.") from None
    return len(ids)


def score_answers(run: StoredRun, answers: Path) -> dict[str, Any]:
    """Macro F1 with its interval, accuracy, and per class precision, recall, F1 and support, on the test split.

    Raises:
        UserError: no predictions of a test split, or answers that are not exactly those of its images.
    """
    predicted, names = _predicted(run), run.images.class_names
    labels = read_answers(answers, run.images.test_ids, len(names), exact=True)
    interval = macro_f1_interval(labels, predicted, len(names))
    return {
        "run": run.run_id,
        "images": len(labels),
        "macro_f1": macro_f1(labels, predicted, len(names)),
        "macro_f1_low": None if interval is None else interval.low,
        "macro_f1_high": None if interval is None else interval.high,
        "macro_f1_interval_method": None if interval is None else interval.method,
        "accuracy": accuracy(labels, predicted),
        "per_class": _per_class(labels, predicted, names),
    }


def describe_score(found: dict[str, Any]) -> str:
    """The scores for people."""
    low, high = found["macro_f1_low"], found["macro_f1_high"]
    interval = "no interval: too few images" if low is None else f"95 % interval {low:.3f} to {high:.3f}"
    head = f"macro F1 {found['macro_f1']:.3f} ({interval}), accuracy {found['accuracy']:.3f}, {found['images']} images"
    return f"{head}\n\n{tabulate(found['per_class'], headers='keys', tablefmt='simple', floatfmt='.3f')}"


def _predicted(run: StoredRun) -> npt.NDArray[np.int64]:
    if not run.has("test"):
        raise UserError(f"Run '{run.run_id}' has no predictions of a test split: its data set has none.")
    predicted: npt.NDArray[np.int64] = run.log_probs("test").argmax(axis=1)
    return predicted


def _per_class(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], names: Sequence[str]
) -> list[dict[str, Any]]:
    numbers = range(len(names))
    precision, recall, _, support = precision_recall_fscore_support(labels, predicted, labels=numbers, zero_division=0)
    f1 = per_class_f1(labels, predicted, len(names))
    columns = zip(names, precision, recall, f1, support, strict=True)
    return [
        {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for name, p, r, f, n in columns
    ]
