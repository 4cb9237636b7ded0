"""How numbers are printed: scores without their leading zero, a column with one count of decimals, gaps as `-`."""

from __future__ import annotations

import math
from collections.abc import Iterable

MISSING = "-"


def score(value: float, digits: int = 3) -> str:
    """A number between 0 and 1 as `.812`; `1.000` where it is one."""
    return MISSING if math.isnan(value) else _bare(f"{value:.{digits}f}")


def gain(value: float, digits: int = 3) -> str:
    """A difference of scores with its sign: `+.012`, `-.004`."""
    return MISSING if math.isnan(value) else _bare(f"{value:+.{digits}f}")


def interval(low: float, high: float, digits: int = 2) -> str:
    """`[.74, .87]`, or nothing where there is none."""
    return "" if math.isnan(low) or math.isnan(high) else f"[{score(low, digits)}, {score(high, digits)}]"


def interval_digits(lows: Iterable[float], highs: Iterable[float]) -> int:
    """Two decimals while every interval is wider than .03, else three, so that no bound is rounded into another."""
    widths = [high - low for low, high in zip(lows, highs, strict=True) if not math.isnan(high - low)]
    return 2 if min(widths, default=0.0) > 0.03 else 3


def decimals(values: Iterable[float]) -> int:
    """Decimals that give the smallest positive value two significant digits, three at most."""
    smallest = min((abs(value) for value in values if value and not math.isnan(value)), default=1.0)
    return min(3, max(0, 1 - math.floor(math.log10(smallest))))


def column(values: Iterable[float]) -> list[str]:
    """Numbers that stand under each other: one count of decimals, thousands apart."""
    numbers = [float(value) for value in values]
    places = decimals(numbers)
    return [MISSING if math.isnan(number) else f"{number:,.{places}f}" for number in numbers]


def significant(value: float, digits: int = 3) -> str:
    """One number in a sentence: `0.213`, `12.1`, `1,240`."""
    if math.isnan(value):
        return MISSING
    if value == 0:
        return "0"
    return f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def ratio(value: float) -> str:
    """How many times: `2.8x`, `0.31x`, `14x`."""
    return MISSING if math.isnan(value) else f"{significant(value, 2)}x"


def _bare(text: str) -> str:
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def divide(dividend: float, divisor: float) -> float:
    """A quotient that is NaN where either side is missing or the divisor is zero."""
    return dividend / divisor if divisor else math.nan
