"""The input of the report: plain data, so that a report can be built and tested without a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Kind = Literal["text", "flag", "whole", "number", "members"]
Members = Sequence[tuple[str, float]]  # run_id and weight
Combination = Mapping[str, Any]

# Order and type of the columns of results.csv; docs/columns.md has their meaning. New ones go to the end.
COLUMNS: Mapping[str, Kind] = {
    "schema_version": "whole",
    "run_id": "text",
    "kind": "text",
    "data": "text",
    "backbone": "text",
    "family": "text",
    "image_px": "whole",
    "recipe": "text",
    "seed": "whole",
    "weights": "text",
    "status": "text",
    "members": "members",
    "macro_f1": "number",
    "macro_f1_low": "number",
    "macro_f1_high": "number",
    "macro_f1_cross_fitted": "number",
    "test_macro_f1": "number",
    "accuracy": "number",
    "log_loss": "number",
    "epochs": "whole",
    "selected_on_validation": "flag",
    "first_epoch_seconds": "number",
    "epoch_seconds": "number",
    "uncached_epoch_seconds": "number",
    "extraction_seconds": "number",
    "bank_shared": "flag",
    "train_seconds_steady": "number",
    "train_seconds_full": "number",
    "eval_seconds": "number",
    "inference_ms_per_image": "number",
    "parameters": "whole",
    "gflops_per_image": "number",
    "peak_memory_mib": "number",
    "device": "text",
    "precision": "text",
    "strategy": "text",
    "replicas": "whole",
    "global_batch": "whole",
    "cost_usd": "number",
    "macro_f1_interval_method": "text",
    "test_macro_f1_low": "number",
    "test_macro_f1_high": "number",
    "test_accuracy": "number",
    "val_images": "whole",
    "test_images": "whole",
    "train_images": "whole",
    "classes": "whole",
    "inference_batch": "whole",
    "did_not_train": "flag",
    "superseded": "flag",
    "saw_validation": "flag",
    "weights_seed": "whole",
    "code_revision": "text",
    "cores": "whole",
    "failure_kind": "text",
    "failure_reason": "text",
    "candidates_train_seconds": "number",
    "members_train_seconds": "number",
    "indistinguishable_from_best": "flag",
    "macro_f1_cross_fitted_low": "number",
    "macro_f1_cross_fitted_high": "number",
    "best_single_cross_fitted": "number",
    "gain_over_best_single": "number",
    "gain_over_best_single_low": "number",
    "gain_over_best_single_high": "number",
    "added": "flag",
    "labels_only": "flag",
    "max_cost_ms": "number",
    "indistinguishable_from_best_ensemble": "flag",
    "lr_scale": "number",
    "images_per_second": "number",
    "input_wait_share": "number",
    "checkpoint_seconds": "number",
    "target_f1": "number",
    "target_epoch": "whole",
    "target_seconds": "number",
    "micro_batch": "whole",
    "asked_global_batch": "whole",
    "xla": "flag",
    "deterministic": "flag",
    "interruptions": "whole",
    "val_duplicates": "whole",
    "test_duplicates": "whole",
    "image_source_px": "whole",
    "plugin": "text",
    "csv_schema_version": "whole",
    "configuration": "text",
    "not_compared": "text",
    "other_candidates": "flag",
    "data_fingerprint": "text",
    "recipe_digest": "text",
    "versions": "text",
    "kernels": "text",
    "training_code": "text",
    "start_up_seconds": "number",
    "brier": "number",
    "calibration_error": "number",
    "macro_f1_in_sample": "number",
    "accuracy_in_sample": "number",
    "log_loss_in_sample": "number",
    "difference_to_best": "number",
    "difference_to_best_low": "number",
    "difference_to_best_high": "number",
    "difference_to_best_p_value": "number",
    "comparisons_with_best": "whole",
    "mean_macro_f1": "number",
    "mean_macro_f1_low": "number",
    "mean_macro_f1_high": "number",
    "random_floor": "flag",
}
_DTYPES: Mapping[Kind, Any] = {
    "text": "string",
    "flag": "boolean",
    "whole": "Int64",
    "number": "float64",
    "members": "object",
}


@dataclass(frozen=True)
class ReportInput:
    """Everything a report says, for one data set.

    Args:
        rows: one row per run, failed ones and ensembles included, with columns of `COLUMNS`; an unknown or inapplicable
            value is NaN or None, and a column without any value may be absent.
        histories: run_id -> frame of epoch, learning_rate, loss, accuracy, val_loss, val_accuracy, val_macro_f1,
            train_seconds, eval_seconds.
        schedules: recipe -> frame of epoch, learning_rate, learning_rate_as_run.
        failures: mappings of run_id, kind, reason, log (last lines), seconds.
        recipes: recipe -> its description on one line.
        combinations: run_id of an ensemble -> its combination as in result.json, and `states`: member -> its change
            since, or "".
        pairs: differences between two configurations, one row each: `one`, `other` (as in the column `configuration`),
            `seeds` (those of both), `score_one`, `score_other`, `difference` (other minus one) and the bounds `low`
            and `high` of its interval. The two differ in resolution or scale of their learning rates alone.
        pretraining: the best pretrained configuration minus the best from random weights: `best` and `floor` (as in
            the column `configuration`), `difference`, and the bounds `low` and `high`, NaN with too few images.
        about: facts to print unchanged: device, cores, versions, date, code revision, and `command` (one a line).
    """

    rows: pd.DataFrame
    histories: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    schedules: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    failures: Sequence[Mapping[str, Any]] = ()
    recipes: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    combinations: Mapping[str, Combination] = field(default_factory=dict)
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    pretraining: Mapping[str, Any] = field(default_factory=dict)


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with exactly `COLUMNS`, in order and of their types: whole numbers stay whole beside empty cells.

    Raises:
        ValueError: rows has a column that `COLUMNS` does not know.
    """
    unknown = sorted(set(rows.columns) - set(COLUMNS))
    if unknown:
        raise ValueError(f"Unknown columns {unknown}. Known: {', '.join(COLUMNS)}")
    columns = {name: _column(rows, name, kind) for name, kind in COLUMNS.items()}
    return pd.DataFrame(columns, columns=list(COLUMNS))


def filled(rows: pd.DataFrame) -> pd.DataFrame:
    """Typed rows for computing: a gap is "" in texts, False in flags, () in members and NaN in numbers, all floats."""
    return pd.DataFrame({name: _filled(rows[name], kind) for name, kind in COLUMNS.items()})


def members_text(members: Members) -> str:
    """`a;b`, or `a*0.25;b*0.75` if weights differ."""
    equal = len({round(weight, 6) for _, weight in members}) <= 1
    return ";".join(run_id if equal else f"{run_id}*{weight:.4g}" for run_id, weight in members)


def _column(rows: pd.DataFrame, name: str, kind: Kind) -> pd.Series[Any]:
    values = rows[name] if name in rows else pd.Series([None] * len(rows), index=rows.index, dtype=object)
    if kind in ("whole", "number"):
        values = pd.to_numeric(values.astype(object).where(values.notna(), float("nan")))
    return values.astype(_DTYPES[kind])


def _filled(values: pd.Series[Any], kind: Kind) -> pd.Series[Any]:
    if kind == "text":
        return values.fillna("").astype(object)
    if kind == "members":
        return values.map(lambda members: members if isinstance(members, Sequence) else ())
    return values.fillna(False).astype(bool) if kind == "flag" else values.astype("float64")
