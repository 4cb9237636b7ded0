"""The choice within a budget: the best option that fits, those tied with it, and the objections to the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.recommend.options import Option, Predicted
from bench.ensemble_runs.ties import RESAMPLES
from ensembles.metrics import Labels
from ensembles.uncertainty import paired_difference_interval


@dataclass(frozen=True)
class Limit:
    """One limit applied to an option.

    Attributes:
        over: cost divided by the limit, or the reverse for a score; at most 1 fits, NaN is unknown.
        objection: the text for an option that does not fit.
    """

    over: float
    objection: str


@dataclass(frozen=True)
class Budget:
    """Limits; None: no limit."""

    max_usd: float | None = None
    max_train_hours: float | None = None
    max_ms_per_image: float | None = None
    min_f1: float | None = None

    def objections(self, option: Option) -> tuple[str, ...]:
        """Reasons why the option does not fit; () if it does."""
        over = tuple(limit.objection for limit in self._limits(option) if not limit.over <= 1)
        return (option.unusable, *over) if option.unusable else over

    def excess(self, option: Option) -> float:
        """The largest excess over a limit, as a factor; infinite if any is unknown."""
        overs = [limit.over for limit in self._limits(option)]
        return math.inf if option.unusable or any(map(math.isnan, overs)) else max(overs, default=0.0)

    def __str__(self) -> str:
        limits = {
            "at most {:g} USD of training": self.max_usd,
            "at most {:g} device-hours of training": self.max_train_hours,
            "at most {:g} ms per image": self.max_ms_per_image,
            "macro F1 of at least {:g}": self.min_f1,
        }
        return ", ".join(text.format(limit) for text, limit in limits.items() if limit is not None) or "no limit"

    def _limits(self, option: Option) -> Iterator[Limit]:
        if self.max_usd is not None:
            yield _limit("training", option.usd, self.max_usd, "USD", "no price for a device, see --prices")
        timed = (
            ("training", option.train_device_hours, self.max_train_hours, "device-hours"),
            ("inference", option.ms_per_image, self.max_ms_per_image, "ms per image"),
        )
        other = f"measured on another device, {option.device or 'unknown'}"
        for name, cost, maximum, unit in timed:
            if maximum is not None and option.same_device:
                yield _limit(name, cost, maximum, unit, "not measured")
            elif maximum is not None:
                yield _limit(name, math.nan, maximum, unit, other)
        if self.min_f1 is not None:
            yield Limit(_times(self.min_f1, option.score), f"macro F1 {option.score:.3f} < {self.min_f1:g}")


def _limit(name: str, cost: float, maximum: float, unit: str, unknown: str) -> Limit:
    if math.isnan(cost):
        return Limit(math.nan, f"{name} not known in {unit} ({unknown})")
    return Limit(_times(cost, maximum), f"{name} {cost:.3g} > {maximum:g} {unit}")


def _times(part: float, whole: float) -> float:
    """part / whole; infinite if only the whole is 0, 0 if both are."""
    return part / whole if whole > 0 else math.inf if part > 0 else 0.0


@dataclass(frozen=True)
class Contender:
    """An option that fits, compared with the best: best minus it, on the same images.

    Attributes:
        low, high: the 95 % interval; NaN without one.
        tied: the interval includes 0, or is missing.
    """

    option: Option
    low: float
    high: float
    tied: bool


@dataclass(frozen=True)
class Choice:
    """The recommendation.

    Attributes:
        best: None if no option fits.
        others: the other options that fit, best first.
        out: label -> objections, of options that do not fit.
        nearest: if no option fits, the one with the least excess; None if no cost is known.
    """

    best: Option | None
    others: Sequence[Contender] = ()
    out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nearest: Option | None = None

    @property
    def tied(self) -> list[Option]:
        """Options that cannot be told apart from the best."""
        return [other.option for other in self.others if other.tied]


def choose(options: Sequence[Option], budget: Budget, labels: Labels, classes: int) -> Choice:
    """The best within a budget.

    Args:
        options: all options.
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
    return Choice(best, [_contender(best, option, labels, classes) for option in rest], out)


def difference(best: Predicted, other: Predicted, labels: Labels, classes: int) -> tuple[float, float]:
    """Bounds of best minus other over the same images; NaN with too few."""
    interval = paired_difference_interval(labels, best, other, classes, resamples=RESAMPLES)
    return (math.nan, math.nan) if interval is None else (interval.low, interval.high)


def _contender(best: Option, other: Option, labels: Labels, classes: int) -> Contender:
    if best.predicted is None or other.predicted is None:  # unpaired: fewer differences are found
        return Contender(other, math.nan, math.nan, not other.high < best.low)
    low, high = difference(best.predicted, other.predicted, labels, classes)
    return Contender(other, low, high, not low > 0)
