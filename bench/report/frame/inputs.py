"""What the report is made from: plain data, so that it can be built and tested without a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

# A run's own facts first, then what the report needs to judge it. New columns go to the end: people parse results.csv.
COLUMNS: tuple[str, ...] = (
    "schema_version",
    "run_id",
    "kind",  # run, ensemble
    "data",
    "backbone",
    "family",
    "image_px",
    "recipe",
    "seed",
    "weights",
    "status",  # ok, failed
    "members",  # of an ensemble: run_id;run_id, or run_id*0.25;run_id*0.75 where weights differ
    "macro_f1",  # validation; of an ensemble: the fit score
    "macro_f1_low",  # the interval of macro_f1
    "macro_f1_high",
    "macro_f1_cross_fitted",
    "test_macro_f1",
    "accuracy",
    "log_loss",
    "epochs",
    "selected_on_validation",
    "first_epoch_seconds",
    "epoch_seconds",
    "uncached_epoch_seconds",
    "extraction_seconds",
    "bank_shared",
    "train_seconds_steady",
    "train_seconds_full",  # of an ensemble: the sum over its candidates
    "eval_seconds",
    "inference_ms_per_image",
    "parameters",
    "gflops_per_image",
    "peak_memory_mib",
    "device",
    "precision",
    "strategy",
    "replicas",
    "global_batch",
    "cost_usd",
    "macro_f1_interval_method",  # empty where there were too few images for an interval
    "test_macro_f1_low",
    "test_macro_f1_high",
    "test_accuracy",
    "val_images",
    "test_images",
    "train_images",
    "classes",
    "inference_batch",
    "did_not_train",
    "superseded",  # an ensemble of whose method a newer one is stored
    "saw_validation",
    "weights_seed",
    "code_revision",
    "cores",
    "failure_kind",  # oom, nan, timeout, killed, error
    "failure_reason",
    "candidates_train_seconds",
    "members_train_seconds",
    "indistinguishable_from_best",  # from the best single run, by a paired bootstrap over the same images
    "macro_f1_cross_fitted_low",
    "macro_f1_cross_fitted_high",
    "best_single_cross_fitted",  # of an ensemble: "take the best single run", cross-fitted like the ensemble
    "gain_over_best_single",  # of an ensemble: its cross-fitted score minus best_single_cross_fitted
    "gain_over_best_single_low",
    "gain_over_best_single_high",
    "added",  # predictions made elsewhere; costs are what was said of them
    "labels_only",  # no probabilities: of an added run whose predicted classes are known
    "max_cost_ms",  # of an ensemble: what its members were allowed to take per image, together
    "indistinguishable_from_best_ensemble",  # by a paired bootstrap of held-out predictions
    "lr_scale",  # every learning rate of the recipe was multiplied by it
    "images_per_second",  # of steady training
    "input_wait_share",
    "checkpoint_seconds",
    "target_f1",
    "target_epoch",  # the first that reached it, counted from 1
    "target_seconds",
    "micro_batch",  # per replica, where gradients were gathered from smaller batches to fit in memory
    "asked_global_batch",  # where the batch was made smaller to fit in memory
    "xla",
    "deterministic",
    "interruptions",
    "val_duplicates",  # validation images that are training images too, byte for byte
    "test_duplicates",  # test images that are training or validation images too
    "image_source_px",  # where pictures of image_px were made from larger ones as they were read
    "plugin",  # where the backbone comes from, if not from the harness: NAME@DIGEST of its source
)

INTEGERS = frozenset(
    {
        "schema_version",
        "image_px",
        "seed",
        "epochs",
        "parameters",
        "replicas",
        "global_batch",
        "val_images",
        "test_images",
        "train_images",
        "classes",
        "inference_batch",
        "weights_seed",
        "cores",
        "target_epoch",
        "micro_batch",
        "asked_global_batch",
        "interruptions",
        "val_duplicates",
        "test_duplicates",
        "image_source_px",
    }
)
BOOLEANS = frozenset(
    {
        "selected_on_validation",
        "bank_shared",
        "xla",
        "deterministic",
        "did_not_train",
        "superseded",
        "saw_validation",
        "indistinguishable_from_best",
        "indistinguishable_from_best_ensemble",
        "added",
        "labels_only",
    }
)
TEXTS = frozenset(
    {
        "run_id",
        "kind",
        "data",
        "backbone",
        "family",
        "recipe",
        "weights",
        "status",
        "members",
        "device",
        "precision",
        "strategy",
        "macro_f1_interval_method",
        "code_revision",
        "failure_kind",
        "failure_reason",
        "plugin",
    }
)


@dataclass(frozen=True)
class ReportInput:
    """Everything a report says, for one data set.

    Args:
        rows: one row per run, failed ones and ensembles included, with the columns of `COLUMNS`; what does not apply or
            is not known is NaN or None, and a column that no row needs may be absent.
        histories: by run_id, a frame of epoch, learning_rate, loss, accuracy, val_loss, val_accuracy, val_macro_f1,
            train_seconds, eval_seconds.
        schedules: by recipe, a frame of epoch, learning_rate, learning_rate_as_run.
        failures: mappings of run_id, kind, reason, log (last lines), seconds.
        recipes: by recipe, one line that describes it.
        combinations: by run_id of an ensemble, how it was made, as in its result.json, and `states`: by member, what
            became of it since, or nothing.
        about: facts to print as they are: device, cores, versions, date, code revision, and `command` (one a line).
    """

    rows: pd.DataFrame
    histories: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    schedules: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    failures: Sequence[Mapping[str, Any]] = ()
    recipes: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    combinations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with exactly `COLUMNS`, in order and of one type each: whole numbers stay whole beside empty cells.

    Raises:
        ValueError: rows has a column that `COLUMNS` does not know.
    """
    unknown = sorted(set(rows.columns) - set(COLUMNS))
    if unknown:
        raise ValueError(f"Unknown columns {unknown}. Known: {', '.join(COLUMNS)}")
    return pd.DataFrame({name: _column(rows, name) for name in COLUMNS}, columns=list(COLUMNS))


def _column(rows: pd.DataFrame, name: str) -> pd.Series[Any]:
    values = rows[name] if name in rows else pd.Series([None] * len(rows), index=rows.index, dtype=object)
    if name in TEXTS:
        return values.astype("string")
    if name in BOOLEANS:
        return values.astype("boolean")
    numbers = pd.to_numeric(values.astype(object).where(values.notna(), float("nan")))
    return numbers.astype("Int64" if name in INTEGERS else "float64")
