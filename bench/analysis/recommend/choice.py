"""The best option that fits, those that cannot be told apart from it, and what speaks against the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.recommend.budget import Budget
from bench.analysis.recommend.option import Option, Predicted
from bench.ensemble_runs.ties import MARK_RESAMPLES
from ensembles.metrics import Labels
from ensembles.uncertainty import paired_difference_interval


@dataclass(frozen=True)
class Against:
    """An option that fits, held against the best: best minus it, on the same images.

    Attributes:
        low, high: the 95 % interval; NaN where there is none.
        tied: the interval holds 0, or there is none.
    """

    option: Option
    low: float
    high: float
    tied: bool


@dataclass(frozen=True)
class Choice:
    """What to take.

    Attributes:
        best: None where nothing fits.
        others: the rest of what fits, best first.
        out: the label of what does not fit, and why.
        nearest: where nothing fits, what comes nearest to it; None where no cost is known.
    """

    best: Option | None
    others: Sequence[Against] = ()
    out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nearest: Option | None = None

    @property
    def tied(self) -> list[Option]:
        """What cannot be told apart from the best."""
        return [other.option for other in self.others if other.tied]


def choose(options: Sequence[Option], budget: Budget, labels: Labels, classes: int) -> Choice:
    """The best within a budget.

    Args:
        options: all there are.
        labels: validation labels int (N,).
        classes: C.
    """
    ordered = sorted(options, key=lambda option: option.place)
    out = {option.label: reasons for option in ordered if (reasons := budget.objections(option))}
    fitting = [option for option in ordered if option.label not in out]
    if not fitting:
        near = min(ordered, key=budget.excess, default=None)
        return Choice(None, out=out, nearest=near if near and math.isfinite(budget.excess(near)) else None)
    best, *rest = fitting
    return Choice(best, [_against(best, option, labels, classes) for option in rest], out)


def difference(best: Predicted, other: Predicted, labels: Labels, classes: int) -> tuple[float, float]:
    """Bounds of best minus other over the same images; NaN where there are too few."""
    interval = paired_difference_interval(labels, best, other, classes, resamples=MARK_RESAMPLES)
    return (math.nan, math.nan) if interval is None else (interval.low, interval.high)


def _against(best: Option, other: Option, labels: Labels, classes: int) -> Against:
    if best.predicted is None or other.predicted is None:  # not paired, so that it is told apart less easily
        return Against(other, math.nan, math.nan, not other.high < best.low)
    low, high = difference(best.predicted, other.predicted, labels, classes)
    return Against(other, low, high, not low > 0)
