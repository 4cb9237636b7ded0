"""Rows that were not made like the others: what differs, in words, so that nothing is mixed in silently."""

from __future__ import annotations

import numpy as np
import pandas as pd

# What runs must share to be compared, and what to call it.
_SHARED = {
    "recipe": "recipe",
    "epochs": "epochs",
    "global_batch": "global batch",
    "weights": "weights",
    "precision": "precision",
    "strategy": "strategy",
    "xla": "XLA compilation",
    "deterministic": "deterministic operations",
    "device": "device",
    "cores": "cores",
    "code_revision": "code revision",
}


def oddities(runs: pd.DataFrame) -> dict[str, list[str]]:
    """By run_id, what sets a row apart from the majority: `["global batch 32, most have 16"]`.

    Where no value has a majority, every row is marked with its own, but for recipes: those stand in the rows' names.
    """
    found: dict[str, list[str]] = {run_id: [] for run_id in runs["run_id"]}
    for column, name in _SHARED.items():
        for run_id, text in _texts(runs, column, name):
            found[run_id].append(text)
    return found


def _texts(runs: pd.DataFrame, column: str, name: str) -> list[tuple[str, str]]:
    values = _known(runs, column)
    counts = values.value_counts()
    if len(counts) < 2:
        return []
    usual = counts.index[0]
    if 2 * counts.iloc[0] > len(values):
        odd = values[values != usual]
        texts = [f"{name} {_text(value)}, most have {_text(usual)}" for value in odd]
    else:
        odd = values
        texts = [_divided(name, value) for value in odd]
    return list(zip(runs.loc[odd.index, "run_id"], texts, strict=True))


def _divided(name: str, value: object) -> str:
    return "recipes differ, as the names say" if name == "recipe" else f"{name} {_text(value)}, others differ"


def _known(runs: pd.DataFrame, column: str) -> pd.Series:
    values = runs[column]
    if column == "epochs":  # a run that stopped by itself is marked for that already
        values = values[~runs["selected_on_validation"]]
    if column == "global_batch":  # so is one whose batch did not fit
        values = values[runs["asked_global_batch"].isna()]
    return values[values.notna() & (values != "")]


def _text(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
