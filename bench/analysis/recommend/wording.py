"""A recommendation as sentences and as plain data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from bench.analysis.recommend.choice import Budget, Choice
from bench.analysis.recommend.options import Option

_SHOWN = 6


def sentences(choice: Choice, budget: Budget) -> list[str]:
    """The answer, the options tied with it, the cheapest among those, the worse ones, and those out of the budget."""
    if choice.best is None:
        return [nothing_fits(choice, budget), *_out(choice)]
    return [_best(choice.best), *_tied(choice), *_cheaper(choice), *_worse(choice), *_out(choice)]


def nothing_fits(choice: Choice, budget: Budget) -> str:
    """The answer if no option fits, on one line."""
    if choice.nearest is None:
        reasons = "; ".join(dict.fromkeys(reason for reasons in choice.out.values() for reason in reasons))
        return f"Nothing fits ({budget}): {reasons}."
    reasons = "; ".join(choice.out[choice.nearest.label])
    return f"Nothing fits ({budget}). Nearest: {option_text(choice.nearest)}; {reasons}."


def option_text(option: Option) -> str:
    """`vgg16@224 (macro F1 .812, 12 s of training, 3.4 ms per image)`."""
    costs = [
        (option.train_seconds, "s of training"),
        (option.usd, "USD"),
        (option.ms_per_image, "ms per image"),
    ]
    known = [f"{_number(cost)} {unit}" for cost, unit in costs if not math.isnan(cost)]
    return f"{option.label} ({', '.join([_score(option), *known])})"


def as_dict(choice: Choice, options: Sequence[Option], files: Sequence[str]) -> dict[str, Any]:
    """The choice as plain data, NaN as None."""
    return {
        "recommended": None if choice.best is None else _plain(choice.best),
        "tied": [_plain(option) for option in choice.tied],
        "worse": [
            _plain(other.option) | {"behind_low": _known(other.low), "behind_high": _known(other.high)}
            for other in choice.others
            if not other.tied
        ],
        "out": [_plain(option) | {"why": choice.out[option.label]} for option in options if option.label in choice.out],
        "nearest": None if choice.nearest is None else _plain(choice.nearest),
        "files": list(files),
    }


def _best(best: Option) -> str:
    bounds = "too few images for an interval" if math.isnan(best.low) else f"95 % {best.low:.3f} to {best.high:.3f}"
    names = f" In the store: {', '.join(best.run_ids)}." if best.kind != "cascade" else f" {best.detail}."
    made = f" Made by `{best.made_by}`." if best.made_by else ""
    return f"Recommended: {option_text(best)}; {bounds}.{names}{made}"


def _tied(choice: Choice) -> list[str]:
    tied = choice.tied
    if not choice.others:
        return ["No other option fits."]
    if not tied:
        return ["On these images the score can be told apart from those of all other options that fit."]
    names = [f"{option.label} ({option.score:.3f})" for option in tied]
    return [f"Cannot be told apart from the recommendation on these images: {_listed(names)}."]


def _cheaper(choice: Choice) -> list[str]:
    """The cheapest of the best option and those tied with it."""
    kept = [option for option in (choice.best, *choice.tied) if option is not None and option.same_device]
    ways: tuple[tuple[str, Callable[[Option], float]], ...] = (
        ("train", lambda option: option.train_seconds),
        ("run", lambda option: option.ms_per_image),
    )
    lines = []
    for verb, cost in ways:
        known = [option for option in kept if not math.isnan(cost(option))]
        cheapest = min(known, key=cost, default=None)
        if cheapest is not None and cheapest is not choice.best:
            lines.append(f"Cheapest of these to {verb}: {option_text(cheapest)}.")
    return lines


def _worse(choice: Choice) -> list[str]:
    worse = [other.option.label for other in choice.others if not other.tied]
    return [f"Worse beyond the noise: {_listed(worse)}."] if worse else []


def _out(choice: Choice) -> list[str]:
    out = [f"{label} ({'; '.join(reasons)})" for label, reasons in choice.out.items()]
    return [f"Out of the budget: {_listed(out)}."] if out and choice.best is not None else []


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])


def _score(option: Option) -> str:
    return f"macro F1 {option.score:.3f}{'' if option.kind == 'single' else ' cross-fitted'}"


def _number(cost: float) -> str:
    return f"{cost:.3g}" if cost < 1000 else f"{cost:,.0f}"


def _plain(option: Option) -> dict[str, Any]:
    return {name: _known(value) if isinstance(value, float) else value for name, value in option.as_dict().items()}


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number
