"""Printed numbers: scores without their leading zero, a column with one count of decimals, gaps as `-`."""

from __future__ import annotations

import math
from collections.abc import Iterable

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


def score_interval(value: float, low: float, high: float, *, digits: int = 2) -> str:
    """A score and its interval, `.812 [.74, .87]`."""
    return f"{score(value)} {interval(low, high, digits)}".strip()


def gain_interval(value: float, low: float, high: float) -> str:
    """A difference and its interval, `+.017 [-.004, +.038]`."""
    return gain(value) + ("" if math.isnan(low) or math.isnan(high) else f" [{gain(low)}, {gain(high)}]")


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
