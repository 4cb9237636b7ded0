"""The choice within a budget: the cheapest option that cannot be told apart from the best one that fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.recommend.options import Option
from bench.ensemble_runs.ties import Compared, Marks, compare
from bench.store.metrics import Labels


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
class Measure:
    """The cost by which the cheapest option is found.

    Attributes:
        verb: an option is the cheapest to do this.
        unit: of the cost.
        cost: of an option; NaN: not known.
    """

    verb: str
    unit: str
    cost: Callable[[Option], float]


INFERENCE = Measure("run", "ms per image", lambda option: option.ms_per_image if option.same_device else math.nan)
DOLLARS = Measure("train", "dollars of training", lambda option: option.usd)
HOURS = Measure(
    "train", "device-hours of training", lambda option: option.train_device_hours if option.same_device else math.nan
)
TRAINING = Measure(
    "train", "seconds of training", lambda option: option.train_seconds if option.same_device else math.nan
)


@dataclass(frozen=True)
class Budget:
    """Limits; None: no limit. Those of training apply to training the choice again, not to finding it."""

    max_usd: float | None = None
    max_train_hours: float | None = None
    max_ms_per_image: float | None = None
    min_f1: float | None = None

    @property
    def measure(self) -> Measure:
        """The cost that is limited: of several limits inference, paid for every image, then dollars."""
        limited = {INFERENCE: self.max_ms_per_image, DOLLARS: self.max_usd, HOURS: self.max_train_hours}
        return next((measure for measure, limit in limited.items() if limit is not None), TRAINING)

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
    """An option compared with the best: best minus it, on the same images."""

    option: Option
    compared: Compared


@dataclass(frozen=True)
class Contest:
    """The best of several options by score, and all others compared with it, best first."""

    best: Option
    others: Sequence[Contender] = ()

    @property
    def tied(self) -> list[Option]:
        """Options that cannot be told apart from the best."""
        return [other.option for other in self.others if other.compared.tied]

    @property
    def decided(self) -> bool:
        """Whether images suffice to tell options apart; with too few of them, everything is tied."""
        return all(other.compared.low is not None for other in self.others)

    def cheapest(self, measure: Measure) -> Option | None:
        """Of the best and those tied with it, the one of the lowest known cost; of equals, the first by score."""
        known = [option for option in (self.best, *self.tied) if not math.isnan(measure.cost(option))]
        return min(known, key=measure.cost, default=None)


@dataclass(frozen=True)
class Choice:
    """The recommendation.

    Attributes:
        taken: the cheapest of the best option and those tied with it; None if no option fits.
        measure: the cost by which it is the cheapest.
        contest: of all options that fit; None if no option does.
        singles: of the single runs that fit; None without one.
        out: label -> objections, of options that do not fit.
        nearest: if no option fits, the one with the least excess; None if no cost is known.
    """

    taken: Option | None
    measure: Measure
    contest: Contest | None = None
    singles: Contest | None = None
    out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nearest: Option | None = None


def choose(options: Sequence[Option], budget: Budget, labels: Labels, classes: int, marks: Marks) -> Choice:
    """The cheapest option that cannot be told apart from the best within a budget.

    With too few images to tell any two apart, the best by score is taken: the cheapest would be so by ignorance.

    Args:
        options: all options, best first.
        labels: validation labels int (N,).
        classes: C.
        marks: cache of differences.
    """
    measure = budget.measure
    out = {option.label: reasons for option in options if (reasons := budget.objections(option))}
    fitting = [option for option in options if option.label not in out]
    if not fitting:
        near = min(options, key=budget.excess, default=None)
        near = near if near and math.isfinite(budget.excess(near)) else None
        return Choice(None, measure, out=out, nearest=near)
    every = _contest(fitting, labels, classes, marks)
    singles = [option for option in fitting if option.kind == "single"]
    return Choice(
        taken=(every.cheapest(measure) if every.decided else None) or every.best,
        measure=measure,
        contest=every,
        singles=_contest(singles, labels, classes, marks) if singles else None,
        out=out,
    )


def _contest(options: Sequence[Option], labels: Labels, classes: int, marks: Marks) -> Contest:
    best, *others = ((option, option.contestant) for option in options if option.contestant is not None)
    found = compare(best[1], [contestant for _, contestant in others], labels, classes, marks)
    return Contest(best[0], [Contender(option, found[contestant.name]) for option, contestant in others])
