"""Start-up in clocks: the excess of a first call, in which graphs are traced and devices used for the first time."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def first_call_excess(seconds: Sequence[float]) -> float:
    """Seconds of the first call beyond an ordinary one, the median of the others; 0 for a single call."""
    return max(0.0, seconds[0] - median(seconds[1:] or seconds))
