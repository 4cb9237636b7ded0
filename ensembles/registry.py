"""Combiners by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ensembles.base import Combiner
from ensembles.mean import GeometricMean, Mean, TopK

COMBINERS: dict[str, Callable[[], Combiner]] = {
    "mean": Mean,
    "geometric": GeometricMean,
}
_TOP = re.compile(r"top([1-9]\d*)")


def make(name: str, *, families: Sequence[str] | None = None) -> Combiner:
    """An unfitted combiner.

    Args:
        name: `topK` for any K ("top1" is the best single run, "top3", ...), or a key of `COMBINERS`.
        families: M family names, for topK alone: see `TopK`.

    Raises:
        ValueError: an unknown name; the message lists those there are.

    Example:
        >>> make("top3").k
        3
    """
    if top := _TOP.fullmatch(name):
        return TopK(int(top[1]), families)
    if name not in COMBINERS:
        raise ValueError(f"Unknown combiner '{name}'. Known: topK (top1, top3, ...), {', '.join(sorted(COMBINERS))}")
    return COMBINERS[name]()
