"""The second table: full names, the test split, and the circumstances of each row."""

from __future__ import annotations

import pandas as pd

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import table
from bench.report.sections.ensembles import test_score

_LEFT = ("run_id", "precision", "strategy")


def details(ranking: Ranking) -> str:
    """One line per row of the results table, or nothing."""
    rows = ranking.current
    if rows.empty:
        return ""
    columns = {
        "run_id": list(rows["run_id"]),
        "test F1": [test_score(row) for _, row in rows.iterrows()],
        "test acc.": [numbers.score(value) for value in rows["test_accuracy"]],
        "log loss": numbers.column(rows["log_loss"]),
        "epochs": _whole(rows["epochs"]),
        "extract s": numbers.column(rows["extraction_seconds"]),
        "steady s": numbers.column(rows["train_seconds_steady"]),
        "eval s": numbers.column(rows["eval_seconds"]),
        "batch": _whole(rows["global_batch"]),
        "infer batch": _whole(rows["inference_batch"]),
        "precision": _text(rows["precision"]),
        "strategy": _text(rows["strategy"]),
        "replicas": _whole(rows["replicas"]),
        **_target(rows),
    }
    return table(list(columns), list(zip(*columns.values(), strict=True)), left=_LEFT)


def _target(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Where a recipe aimed at a score: the first epoch that reached it, and the seconds of training until then."""
    if rows["target_f1"].isna().all():
        return {}
    return {
        "target F1": [numbers.score(value, 2) for value in rows["target_f1"]],
        "reached in epoch": _whole(rows["target_epoch"]),
        "after s": numbers.column(rows["target_seconds"]),
    }


def _whole(values: pd.Series[float]) -> list[str]:
    return [numbers.MISSING if pd.isna(value) else f"{value:.0f}" for value in values]


def _text(values: pd.Series[str]) -> list[str]:
    return [value or numbers.MISSING for value in values]
