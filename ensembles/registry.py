"""Combiners by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ensembles.base import Combiner
from ensembles.blend import Blend
from ensembles.cascade import Cascade
from ensembles.greedy import Greedy
from ensembles.mean import GeometricMean, Mean, TopK
from ensembles.stack import Stack

Costs = Sequence[float] | None

# Each is called with the members' costs, which only some use.
COMBINERS: dict[str, Callable[[Costs], Combiner]] = {
    "mean": lambda costs: Mean(),
    "geometric": lambda costs: GeometricMean(),
    "greedy": lambda costs: Greedy(costs=costs),
    "blend": lambda costs: Blend(),
    "stack": lambda costs: Stack(),
    "cascade": lambda costs: Cascade(costs),
}
_TOP = re.compile(r"top([1-9]\d*)")


def make(name: str, *, families: Sequence[str] | None = None, costs: Costs = None) -> Combiner:
    """An unfitted combiner.

    Args:
        name: `topK` for any K ("top1" is the best single run, "top3", ...), or a key of `COMBINERS`.
        families: M family names, for topK: see `TopK`.
        costs: M costs in any unit, for greedy and cascade: see `Greedy` and `Cascade`.

    Raises:
        ValueError: an unknown name; the message lists the known ones.

    Example:
        >>> make("top3").k
        3
    """
    if top := _TOP.fullmatch(name):
        return TopK(int(top[1]), families)
    if name not in COMBINERS:
        raise ValueError(f"Unknown combiner '{name}'. Known: topK (top1, top3, ...), {', '.join(sorted(COMBINERS))}")
    return COMBINERS[name](costs)
