"""A recommendation as sentences and as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.analysis.leaderboard import Leaderboard
from bench.analysis.prices import Charge
from bench.analysis.recommend.choice import INFERENCE, TRAINING, Budget, Choice, Contender, Contest, Measure
from bench.analysis.recommend.options import Option
from bench.ensemble_runs.ties import Compared
from bench.report.frame.ranking import Ranking

_SHOWN = 6


def sentences(choice: Choice, budget: Budget) -> list[str]:
    """The option to take, the best by score, those tied with it, the worse ones, and those out of the budget."""
    if choice.contest is None or choice.taken is None:
        return [nothing_fits(choice, budget), *_out(choice)]
    contest, taken = choice.contest, choice.taken
    return [
        _take(taken, choice.measure, contest),
        *_best(taken, contest),
        *_tied(contest),
        *_cheaper(taken, contest),
        *_worse(contest),
        *_single(choice.singles, contest),
        *_out(choice),
    ]


def nothing_fits(choice: Choice, budget: Budget) -> str:
    """The answer if no option fits, on one line."""
    if choice.nearest is None:
        reasons = "; ".join(dict.fromkeys(reason for reasons in choice.out.values() for reason in reasons))
        return f"Nothing fits ({budget}): {reasons}."
    reasons = "; ".join(choice.out[choice.nearest.label])
    return f"Nothing fits ({budget}). Nearest: {option_text(choice.nearest)}; {reasons}."


def search_sentence(search: Charge, runs: int) -> str:
    """The basis of all costs, and beside it the cost of finding the choice, the same for every option."""
    basis = "Costs and budgets of training are those of training an option again"
    if search.seconds is None or search.device_hours is None:
        return f"{basis}. The training of all {runs} runs it was found among is not known."
    price = f"{_number(search.device_hours)} device-hours" if search.usd is None else f"{_number(search.usd)} USD"
    return f"{basis}; finding it took all {runs} runs, {_number(search.seconds)} s of training ({price})."


def left_out(board: Leaderboard, ranking: Ranking, options: Sequence[Option]) -> list[str]:
    """One sentence about runs and ensembles that are no options, if any, with the reasons."""
    named = {run_id for option in options for run_id in option.run_ids}
    others = board.others - board.superseded - set(board.apart) - named
    other = [ranking.labels[run_id] for run_id in sorted(others)]
    saw = [run.run_id for run in board.runs if run.result.metrics.saw_validation]
    random = [ranking.labels[one.member.run_id] for one in board.floor]
    groups = {
        "ensembles of other candidates than all": other,
        "runs that saw validation images": saw,
        "runs from random weights": random,
    }
    for run_id, reason in board.apart.items():
        groups.setdefault(reason, []).append(ranking.labels[run_id])
    texts = [f"{reason} ({_listed(names)})" for reason, names in groups.items() if names]
    return [f"Not options: {'; '.join(texts)}."] if texts else []


def option_text(option: Option) -> str:
    """`vgg16@224 (macro F1 0.812, 12 s of training, 0.0033 device-hours, 3.4 ms per image)`."""
    price = (option.usd, "USD") if not math.isnan(option.usd) else (option.train_device_hours, "device-hours")
    costs = [(option.train_seconds, "s of training"), price, (option.ms_per_image, "ms per image")]
    known = [f"{_number(cost)} {unit}" for cost, unit in costs if not math.isnan(cost)]
    return f"{option.label} ({', '.join([_score(option), *known])})"


def bounds(compared: Compared) -> str:
    """The interval of a difference; "" without one."""
    return "" if compared.low is None else f"{compared.low:+.3f} to {compared.high:+.3f}"


def as_dict(choice: Choice, options: Sequence[Option], search: Charge, files: Sequence[str]) -> dict[str, Any]:
    """The choice as plain data, NaN as None."""
    contest, singles = choice.contest, choice.singles
    others = contest.others if contest else ()
    return {
        "recommended": None if choice.taken is None else _plain(choice.taken),
        "cheapest_by": choice.measure.unit,
        "best": None if contest is None else _plain(contest.best),
        "tied": [_compared(other) for other in others if other.compared.tied],
        "worse": [_compared(other) for other in others if not other.compared.tied],
        "comparisons": len(others),
        "best_single": None if singles is None else _plain(singles.best),
        "tied_singles": [] if singles is None else [_compared(one) for one in singles.others if one.compared.tied],
        "out": [_plain(option) | {"why": choice.out[option.label]} for option in options if option.label in choice.out],
        "nearest": None if choice.nearest is None else _plain(choice.nearest),
        "search_seconds": search.seconds,
        "search_device_hours": search.device_hours,
        "search_usd": search.usd,
        "files": list(files),
    }


def _take(taken: Option, measure: Measure, contest: Contest) -> str:
    return f"Take {option_text(taken)}; {_limits(taken)}. {_reason(taken, measure, contest)}.{_place(taken)}"


def _reason(taken: Option, measure: Measure, contest: Contest) -> str:
    if not contest.others:
        return "The only option that fits"
    if not contest.decided:
        return "The best by score; with so few images no two options can be told apart"
    if not contest.tied:
        return "The best by score, beyond the noise"
    costs = [measure.cost(option) for option in (contest.best, *contest.tied)]
    unknown = sum(map(math.isnan, costs))
    if unknown == len(costs):
        return f"The best by score; the {measure.unit} of the {unknown} options like it are not known on one device"
    also = "The best by score, and the" if taken is contest.best else "The"
    gap = f" (of {unknown} they are not known on this device)" if unknown else ""
    least = f"{also} cheapest to {measure.verb}, by {measure.unit}{gap}"
    return f"{least}, of the {len(costs)} options that cannot be told apart from the best"


def _limits(option: Option) -> str:
    return "too few images for an interval" if math.isnan(option.low) else f"95 % {option.low:.3f} to {option.high:.3f}"


def _place(option: Option) -> str:
    if option.kind == "cascade":
        return f" {option.detail}. Made by `{option.made_by}`."
    return f" In the store: {', '.join(option.run_ids)}."


def _best(taken: Option, contest: Contest) -> list[str]:
    best = contest.best
    return [] if best is taken else [f"Best by score: {option_text(best)}; {_limits(best)}.{_place(best)}"]


def _tied(contest: Contest) -> list[str]:
    """Every option that the noise does not separate from the best, and the number of comparisons."""
    others, tied = contest.others, contest.tied
    if not others:
        return []
    if not contest.decided:
        return [f"With so few images the best cannot be told apart from any of {len(others)} other options."]
    correction = f"{len(tied)} of {len(others)} others; corrected for {len(others)} comparisons"
    if not tied:
        return [f"On these images the best can be told apart from all other options that fit ({correction})."]
    names = [f"{option.label} ({option.score:.3f})" for option in tied]
    return [f"Cannot be told apart from the best on these images: {_listed(names)} ({correction})."]


def _cheaper(taken: Option, contest: Contest) -> list[str]:
    """Of the best option and those tied with it, the cheapest by other costs than that of the choice."""
    lines = []
    for measure in (TRAINING, INFERENCE):
        cheapest = contest.cheapest(measure)
        saves = cheapest is not None and not measure.cost(cheapest) >= measure.cost(taken)
        if cheapest is not None and saves and contest.decided:
            lines.append(f"Cheapest of these to {measure.verb}: {option_text(cheapest)}.")
    return lines


def _worse(contest: Contest) -> list[str]:
    worse = [other.option.label for other in contest.others if not other.compared.tied]
    return [f"Worse beyond the noise: {_listed(worse)}."] if worse else []


def _single(singles: Contest | None, contest: Contest) -> list[str]:
    """The single runs by themselves, as the report ranks them, if other options were compared too."""
    if singles is None or len(singles.others) == len(contest.others):
        return []
    best, others, tied = singles.best, len(singles.others), [option.label for option in singles.tied]
    text = f"Best single run: {best.label} ({best.score:.3f})"
    if not others:
        return [f"{text}."]
    apart = f"cannot be told apart from {_listed(tied)}" if tied else "can be told apart from every other"
    return [f"{text}; among the single runs it {apart} ({len(tied)} of {others} others)."]


def _out(choice: Choice) -> list[str]:
    out = [f"{label} ({'; '.join(reasons)})" for label, reasons in choice.out.items()]
    return [f"Out of the budget: {_listed(out)}."] if out and choice.taken is not None else []


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])


def _score(option: Option) -> str:
    return f"macro F1 {option.score:.3f}{'' if option.kind == 'single' else ' cross-fitted'}"


def _number(cost: float) -> str:
    return f"{cost:.3g}" if cost < 1000 else f"{cost:,.0f}"


def _compared(other: Contender) -> dict[str, Any]:
    compared = other.compared
    behind = {"behind": compared.difference, "behind_low": compared.low, "behind_high": compared.high}
    return _plain(other.option) | behind | {"p_value": compared.p_value}


def _plain(option: Option) -> dict[str, Any]:
    return {name: _known(value) if isinstance(value, float) else value for name, value in option.as_dict().items()}


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number
