"""The tables of all rows: seeds, results on lines that fit a terminal of 160 columns, and details."""

from __future__ import annotations

import pandas as pd

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, columns_table
from bench.report.sections.notes import Footnotes

_COSTS = {
    "epoch 1 s": "first_epoch_seconds",
    "epoch s": "epoch_seconds",
    "uncached s": "uncached_epoch_seconds",
    "train s": "train_seconds",
    "ms/img": "inference_ms_per_image",
    "Mparams": "parameters_millions",
    "GFLOPs": "gflops_per_image",
    "peak MiB": "peak_memory_mib",
    "USD": "cost_usd",
}
_LEGEND = [
    "**macro F1** and **acc.** (accuracy): on the validation images, with the 95 % bootstrap interval of the macro F1.",
    "**epoch 1 s**: with tracing, compilation and, for a frozen backbone, its one pass over the images. **epoch s**: "
    "median of the other epochs. **uncached s**: an epoch without features saved between epochs.",
    "**train s**: all epochs, the first included, without evaluation. **ms/img**: inference, milliseconds "
    "per image. **Mparams**: millions of parameters. **GFLOPs**: one forward pass of one image, 2 x multiply-adds. "
    "**peak MiB**: device memory, else the process's.",
]


def seeds(ranking: Ranking) -> list[str]:
    """Configurations that were trained with several seeds."""
    found = ranking.configurations
    found = found[found["n"] > 1]
    if found.empty:
        return []
    columns = {
        "configuration": list(found["label"]),
        "mean macro F1": [numbers.score(value) for value in found["score"]],
        "sd": [numbers.score(value) for value in found["sd"]],
        "n": numbers.whole(found["n"]),
        "mean train s": numbers.column(found["train_seconds"]),
        "mean ms/image": numbers.column(found["inference_ms_per_image"]),
    }
    note = "sd is over seeds (n - 1); n runs differ in nothing but their seed."
    return [columns_table(columns, left=["configuration"]), note]


def results(ranking: Ranking) -> list[str]:
    """The results table and its footnotes; the score of a run that saw validation in parentheses."""
    if ranking.current.empty:
        return ["No run is stored yet."]
    notes = Footnotes(ranking)
    rows = ranking.current.assign(parameters_millions=ranking.current["parameters"] / 1e6)
    costs = {title: column for title, column in _COSTS.items() if title != "USD" or rows[column].notna().any()}
    columns = {
        "run": list(rows["label"]),
        "macro F1": [
            f"({text})" if seen else text
            for text, seen in zip(numbers.score_column(rows, "score"), rows["saw_validation"], strict=True)
        ],
        "acc.": [numbers.score(value) for value in rows["accuracy"]],
        **{title: numbers.column(rows[column]) for title, column in costs.items()},
        "weights": _texts(rows["weights"]),
        "status": list(rows["status"]),
        "notes": [notes.mark(run_id) for run_id in rows["run_id"]],
    }
    return [columns_table(columns, left=("run", "weights", "status", "notes")), notes.lines()]


def legend(ranking: Ranking) -> list[str]:
    """The meaning of the columns of the results table."""
    return [] if ranking.current.empty else [bullets(_LEGEND)]


def details(ranking: Ranking) -> list[str]:
    """Full names, the test split, and the circumstances of each row of the results table."""
    rows = ranking.current
    if rows.empty:
        return []
    columns = {
        "run_id": list(rows["run_id"]),
        "test F1": numbers.score_column(rows, "test_macro_f1", digits=2),
        "test acc.": [numbers.score(value) for value in rows["test_accuracy"]],
        "log loss": numbers.column(rows["log_loss"]),
        "epochs": numbers.whole(rows["epochs"]),
        "extract s": numbers.column(rows["extraction_seconds"]),
        "steady s": numbers.column(rows["train_seconds_steady"]),
        "eval s": numbers.column(rows["eval_seconds"]),
        "batch": numbers.whole(rows["global_batch"]),
        "infer batch": numbers.whole(rows["inference_batch"]),
        "precision": _texts(rows["precision"]),
        "strategy": _texts(rows["strategy"]),
        "replicas": numbers.whole(rows["replicas"]),
        **_target(rows),
    }
    return [columns_table(columns, left=("run_id", "precision", "strategy"))]


def _target(rows: pd.DataFrame) -> dict[str, list[str]]:
    """If a recipe aimed at a score: the first epoch that reached the target, and the seconds of training until then."""
    if rows["target_f1"].isna().all():
        return {}
    return {
        "target F1": [numbers.score(value, 2) for value in rows["target_f1"]],
        "reached in epoch": numbers.whole(rows["target_epoch"]),
        "after s": numbers.column(rows["target_seconds"]),
    }


def _texts(values: pd.Series[str]) -> list[str]:
    return [value or numbers.MISSING for value in values]
