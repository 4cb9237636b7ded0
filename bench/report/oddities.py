"""Rows that were not made like the others: what differs, in words, so that nothing is mixed in silently."""

from __future__ import annotations

import pandas as pd

# What runs must share to be compared, and what to call it.
_SHARED = {
    "recipe": "recipe",
    "epochs": "epochs",
    "global_batch": "global batch",
    "weights": "weights",
    "precision": "precision",
    "strategy": "strategy",
    "device": "device",
    "cores": "cores",
    "code_revision": "code revision",
}


def oddities(runs: pd.DataFrame) -> dict[str, list[str]]:
    """By run_id, what sets a row apart from the majority: `["global batch 32, most have 16"]`.

    Of two equally common values the one of the better row counts as usual; runs must be sorted, best first.
    """
    found: dict[str, list[str]] = {run_id: [] for run_id in runs["run_id"]}
    for column, name in _SHARED.items():
        for run_id, text in _minority(runs, column, name):
            found[run_id].append(text)
    return found


def _minority(runs: pd.DataFrame, column: str, name: str) -> list[tuple[str, str]]:
    values = _known(runs, column)
    if values.nunique() < 2:
        return []
    usual = values.value_counts(sort=False).idxmax()  # the first of the most frequent, in the order of the rows
    odd = values[values != usual]
    texts = [f"{name} {_text(value)}, most have {_text(usual)}" for value in odd]
    return list(zip(runs.loc[odd.index, "run_id"], texts, strict=True))


def _known(runs: pd.DataFrame, column: str) -> pd.Series:
    values = runs[column]
    if column == "epochs":  # a run that stopped by itself is marked for that already
        values = values[~runs["selected_on_validation"]]
    return values[values.notna() & (values != "")]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
