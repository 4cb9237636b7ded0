"""What more pixels, a second backbone and further members buy, as tables."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from bench.report import numbers
from bench.report.markdown import table


def pixels_table(rows: pd.DataFrame) -> str:
    """What more pixels buy, and what a second backbone buys instead."""
    columns = {
        "run": [_name(subject, px) for subject, px in zip(rows["subject"], rows["px"], strict=True)],
        "F1": [numbers.score(score) for score in rows["macro_f1"]],
        **_bought(rows, "px_", "px", lambda px: f"{px:.0f}"),
        **_bought(rows, "second_", "second backbone", str),
    }
    return table(list(columns), list(zip(*columns.values(), strict=True)), left=("run", "second backbone"))


def members_table(rows: pd.DataFrame) -> str:
    """What each further member adds."""
    columns = {
        "members": [str(number) for number in rows["members"]],
        "added": list(rows["added"]),
        "F1": [numbers.score(score) for score in rows["macro_f1"]],
        "gain": _gains(rows, ""),
        "train s": numbers.column(rows["train_seconds"]),
        "ms/image": numbers.column(rows["ms_per_image"]),
        "points/train s": _signed(rows["points_per_train_second"]),
        "points/ms": _signed(rows["points_per_ms"]),
    }
    return table(list(columns), list(zip(*columns.values(), strict=True)), left=("added",))


def _name(subject: str, px: float) -> str:
    return subject if math.isnan(px) else f"{subject}@{px:.0f}"


def _bought(rows: pd.DataFrame, prefix: str, title: str, write: Callable[[object], str]) -> dict[str, list[str]]:
    """Four columns, or none where nobody bought any."""
    if f"{prefix}to" not in rows:
        return {}
    return {
        title: [numbers.MISSING if pd.isna(to) else write(to) for to in rows[f"{prefix}to"]],
        f"{title}: gain": _gains(rows, prefix),
        f"{title}: + train s": numbers.column(rows[f"{prefix}train_seconds"]),
        f"{title}: + ms": numbers.column(rows[f"{prefix}ms_per_image"]),
    }


def _gains(rows: pd.DataFrame, prefix: str) -> list[str]:
    if f"{prefix}gain" not in rows:
        return [numbers.MISSING] * len(rows)
    columns = (rows[f"{prefix}{name}"] for name in ("gain", "gain_low", "gain_high"))
    return [gain_text(*values) for values in zip(*columns, strict=True)]


def gain_text(gain: float, low: float, high: float) -> str:
    """`+.017 [-.004, +.038]`."""
    bounds = "" if math.isnan(low) or math.isnan(high) else f" [{numbers.gain(low)}, {numbers.gain(high)}]"
    return numbers.gain(gain) + bounds


def _signed(values: pd.Series) -> list[str]:
    places = numbers.decimals(values)
    return [numbers.MISSING if math.isnan(value) else f"{value:+.{places}f}" for value in values]
