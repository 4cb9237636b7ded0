"""The results table: what each run scored and what it cost, on lines that fit a terminal of 160 columns."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, table
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
    "median of the other epochs. **uncached s**: an epoch if nothing were saved between epochs.",
    "**train s**: all epochs, the first included, without evaluation. **ms/img**: inference, milliseconds "
    "per image. **Mparams**: millions of parameters. **GFLOPs**: one forward pass of one image, 2 x multiply-adds. "
    "**peak MiB**: device memory, else the process's.",
]
_LEFT = ("run", "weights", "status", "notes")


def results(ranking: Ranking) -> str:
    """The table with its footnotes."""
    if ranking.current.empty:
        return "No run is stored yet."
    notes = Footnotes(ranking)
    return "\n\n".join(part for part in (_table(ranking.current, notes), notes.lines()) if part)


def legend() -> str:
    """What the columns of the results table mean."""
    return bullets(_LEGEND)


def _table(rows: pd.DataFrame, notes: Footnotes) -> str:
    rows = rows.assign(parameters_millions=rows["parameters"] / 1e6)
    costs = {title: column for title, column in _COSTS.items() if title != "USD" or rows[column].notna().any()}
    columns = {
        "run": list(rows["label"]),
        "macro F1": scores(rows),
        "acc.": [numbers.score(value) for value in rows["accuracy"]],
        **{title: numbers.column(rows[column]) for title, column in costs.items()},
        "weights": [weights or numbers.MISSING for weights in rows["weights"]],
        "status": list(rows["status"]),
        "notes": [notes.mark(run_id) for run_id in rows["run_id"]],
    }
    return table(list(columns), list(zip(*columns.values(), strict=True)), left=_LEFT)


def scores(rows: pd.DataFrame) -> list[str]:
    """Scores with their intervals, `.812 [.74, .87]`; that of a run which saw validation in parentheses."""
    digits = numbers.interval_digits(rows["score_low"], rows["score_high"])
    return _each(rows, lambda row: _score(row, digits))


def _score(row: pd.Series, digits: int) -> str:
    text = f"{numbers.score(row['score'])} {numbers.interval(row['score_low'], row['score_high'], digits)}".strip()
    return f"({text})" if row["saw_validation"] else text


def _each(rows: pd.DataFrame, write: Callable[[pd.Series], str]) -> list[str]:
    return [write(row) for _, row in rows.iterrows()]
