"""Printed numbers: scores without their leading zero, a column with one count of decimals, gaps as `-`."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

MISSING = "-"


def score(value: float, digits: int = 3) -> str:
    """A number between 0 and 1 as `.812`; 1 as `1.000`."""
    return MISSING if math.isnan(value) else _bare(f"{value:.{digits}f}")


def gain(value: float, digits: int = 3) -> str:
    """A difference of scores with its sign: `+.012`, `-.004`."""
    return MISSING if math.isnan(value) else _bare(f"{value:+.{digits}f}")


def interval(low: float, high: float, digits: int = 2) -> str:
    """`[.74, .87]`; "" if a bound is missing."""
    return "" if math.isnan(low) or math.isnan(high) else f"[{score(low, digits)}, {score(high, digits)}]"


def bounded_score(row: pd.Series, column: str, digits: int = 2) -> str:
    """A score of a row and its interval, `<column>_low` and `<column>_high`: `.812 [.74, .87]`."""
    return f"{score(row[column])} {interval(row[f'{column}_low'], row[f'{column}_high'], digits)}".strip()


def bounded_gain(row: pd.Series, column: str) -> str:
    """A difference of a row and its interval: `+.017 [-.004, +.038]`."""
    return gain_with(row[column], row[f"{column}_low"], row[f"{column}_high"])


def gain_with(value: float, low: float, high: float) -> str:
    """A difference and its interval, none if a bound is missing."""
    return gain(value) + ("" if math.isnan(low) or math.isnan(high) else f" [{gain(low)}, {gain(high)}]")


def score_column(rows: pd.DataFrame, column: str, digits: int | None = None) -> list[str]:
    """Scores of a column and their intervals, by default with `interval_digits`."""
    places = digits or interval_digits(rows[f"{column}_low"], rows[f"{column}_high"])
    return [bounded_score(row, column, places) for _, row in rows.iterrows()]


def gain_column(rows: pd.DataFrame, column: str) -> list[str]:
    """Differences of a column and their intervals."""
    return [bounded_gain(row, column) for _, row in rows.iterrows()]


def interval_digits(lows: Iterable[float], highs: Iterable[float]) -> int:
    """Decimals of the bounds: 2 if every interval is wider than .03, else 3, so that no bound rounds into another."""
    widths = [high - low for low, high in zip(lows, highs, strict=True) if not math.isnan(high - low)]
    return 2 if min(widths, default=0.0) > 0.03 else 3


def decimals(values: Iterable[float]) -> int:
    """Decimals that give the smallest positive value two significant digits, three at most."""
    smallest = min((abs(value) for value in values if value and not math.isnan(value)), default=1.0)
    return min(3, max(0, 1 - math.floor(math.log10(smallest))))


def column(values: Iterable[float]) -> list[str]:
    """Numbers of a column: one count of decimals, commas between thousands."""
    numbers = [float(value) for value in values]
    places = decimals(numbers)
    return [MISSING if math.isnan(number) else f"{number:,.{places}f}" for number in numbers]


def whole(values: Iterable[float]) -> list[str]:
    """Whole numbers of a column."""
    return [MISSING if math.isnan(value) else f"{value:.0f}" for value in values]


def significant(value: float, digits: int = 3) -> str:
    """One number in a sentence: `0.213`, `12.1`, `1,240`."""
    if math.isnan(value):
        return MISSING
    if value == 0:
        return "0"
    return f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def ratio(value: float) -> str:
    """A factor: `2.8x`, `0.31x`, `14x`."""
    return MISSING if math.isnan(value) else f"{significant(value, 2)}x"


def _bare(text: str) -> str:
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def divide(dividend: float, divisor: float) -> float:
    """A quotient; NaN if either side is missing or the divisor is zero."""
    return dividend / divisor if divisor else math.nan
