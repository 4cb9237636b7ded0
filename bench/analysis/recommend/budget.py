"""What a recommendation may cost, and must score."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.analysis.recommend.option import Option


@dataclass(frozen=True)
class Limit:
    """One limit and what an option has of it.

    Attributes:
        over: how many times too much it is; 1 or less fits, NaN is not known.
        why_not: what to say of an option that does not fit.
    """

    over: float
    why_not: str


@dataclass(frozen=True)
class Budget:
    """Limits; None: no limit."""

    max_usd: float | None = None
    max_train_hours: float | None = None
    max_ms_per_image: float | None = None
    min_f1: float | None = None

    def objections(self, option: Option) -> tuple[str, ...]:
        """Why it does not fit, or nothing."""
        over = tuple(limit.why_not for limit in self._limits(option) if not limit.over <= 1)
        return (option.unusable, *over) if option.unusable else over

    def excess(self, option: Option) -> float:
        """How many times over it is where it is most so; infinite where that is not known."""
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
        for what, cost, maximum, unit in timed:
            if maximum is not None:
                known = cost if option.same_device else math.nan
                yield _limit(what, known, maximum, unit, _unknown_time(option))
        if self.min_f1 is not None:
            yield Limit(_times(self.min_f1, option.score), f"macro F1 {option.score:.3f} < {self.min_f1:g}")


def _limit(what: str, cost: float, maximum: float, unit: str, unknown: str) -> Limit:
    if math.isnan(cost):
        return Limit(math.nan, f"{what} not known in {unit} ({unknown})")
    return Limit(_times(cost, maximum), f"{what} {cost:.3g} > {maximum:g} {unit}")


def _times(part: float, whole: float) -> float:
    """How many times the whole the part is; of nothing, infinitely many."""
    return part / whole if whole > 0 else math.inf if part > 0 else 0.0


def _unknown_time(option: Option) -> str:
    return "nobody measured it" if option.same_device else f"measured on another device, {option.device or 'not said'}"
