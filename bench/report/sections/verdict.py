"""The answer in a few sentences, made from the numbers: what is best, how sure that is, and what it costs."""

from __future__ import annotations

import math

import pandas as pd

from bench.report import numbers
from bench.report.frame.configurations import configurations
from bench.report.frame.points import COSTS, points, with_cost
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape
from bench.report.sections import ensembles as combined

_SHOWN = 4


def verdict(ranking: Ranking) -> str:
    """One bullet each for the best run, the cheapest that keeps up, and the ensemble."""
    if ranking.runs.empty and ranking.ensembles.empty:
        return "No run has finished, so there is nothing to compare yet."
    return bullets([text for text in (_best(ranking), _cheapest(ranking), _ensemble(ranking)) if text])


def _best(ranking: Ranking) -> str:
    if ranking.runs.empty:
        return "**Best single run**: none; the store holds no single run with a score."
    found = configurations(ranking.runs)
    return f"{_score(found.iloc[0], ranking)} {_certainty(found, ranking)}"


def _score(best: pd.Series, ranking: Ranking) -> str:
    bounds = numbers.interval(best["score_low"], best["score_high"]) or "(too few images for an interval)"
    score = f"macro F1 {numbers.score(best['score'])} {bounds} on {_images(ranking)}validation images"
    if best["n"] > 1:
        seeds = f"mean over {best['n']} seeds, whose sd is {numbers.score(best['sd'])}"
        return f"**Best configuration: {escape(best['label'])}**, {score}, {seeds}."
    return f"**Best single run: {escape(best['label'])}**, {score}."


def _images(ranking: Ranking) -> str:
    images = ranking.fact("val_images")
    return f"{images} " if images else ""


def _certainty(found: pd.DataFrame, ranking: Ranking) -> str:
    others = found.iloc[1:]
    if others.empty:
        return "It is the only one, so nothing is ranked."
    if not ranking.runs["compared_with_best"].any():
        return "Whether it can be told apart from the others was not computed."
    if not _has_intervals(found):
        return "With so few images no two runs can be told apart."
    tied = [escape(label) for label in others["label"][others["tied"]]]
    if not tied:
        return "On these images it can be told apart from every other."
    return f"On these images it **cannot be told apart** from {_listed(tied)} ({len(tied)} of {len(others)} others)."


def _has_intervals(found: pd.DataFrame) -> bool:
    """Without intervals everything is tied, which says something of the images, nothing of the runs."""
    return bool(found["score_low"].notna().any())


def _listed(names: list[str]) -> str:
    shown = names[:_SHOWN] + [f"{len(names) - _SHOWN} more"] * (len(names) > _SHOWN)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _cheapest(ranking: Ranking) -> str:
    """The cheapest run to train among those on the front that the noise does not separate from the best."""
    if not ranking.runs["compared_with_best"].any() or not _has_intervals(configurations(ranking.runs)):
        return ""
    rows = points(ranking)
    rows = with_cost(rows[rows["kind"] == "run"], COSTS[0])
    best_label = configurations(ranking.runs)["label"].iloc[0]
    keeps_up = rows[rows["front"] & (rows["tied"] | (rows["label"] == best_label))]
    if keeps_up.empty or keeps_up["label"].iloc[0] == best_label:
        return ""
    best = rows[rows["label"] == best_label]
    return "" if best.empty or not best["comparable"].all() else _keeps_up(keeps_up.iloc[0], best.iloc[0])


def _keeps_up(cheap: pd.Series, best: pd.Series) -> str:
    bounds = numbers.interval(cheap["score_low"], cheap["score_high"])
    score = f"{numbers.score(cheap['score'])} {bounds}".strip()
    return f"**Cheapest that keeps up: {escape(cheap['label'])}**, {score}, at {_price(cheap, best)} of the best one."


def _price(row: pd.Series, best: pd.Series) -> str:
    train = numbers.ratio(numbers.divide(row["train_seconds"], best["train_seconds"]))
    inference = numbers.ratio(numbers.divide(row["inference_ms_per_image"], best["inference_ms_per_image"]))
    return f"{train} the training seconds and {inference} the inference time"


def _ensemble(ranking: Ranking) -> str:
    if ranking.ensembles.empty:
        return ""
    top = ranking.ensembles.iloc[0]
    kind = "on the images it was fitted on" if pd.isna(top["macro_f1_cross_fitted"]) else "cross-fitted"
    bounds = numbers.interval(top["score_low"], top["score_high"])
    score = f"{numbers.score(top['score'])} {bounds}".strip()
    parts = [
        f"**Best ensemble: {escape(top['label'])}**, macro F1 {score} {kind}.",
        _gain(top),
        _test(top, ranking.best),
    ]
    return " ".join(part for part in [*parts, _ensemble_price(top, ranking.best)] if part)


def _gain(top: pd.Series) -> str:
    low, high = top["gain_over_best_single_low"], top["gain_over_best_single_high"]
    if pd.isna(top["gain_over_best_single"]):
        return "What it adds over the best single run was not computed."
    if pd.isna(low) or pd.isna(high):
        return f"Over the best single run that is {combined.gain(top)}, of unknown certainty."
    sure = "more than the noise" if low > 0 else "**worse**, beyond the noise" if high < 0 else "**within the noise**"
    return f"Over taking the best single run, scored the same way, that is {combined.gain(top)}: {sure}."


def _test(top: pd.Series, best: pd.Series | None) -> str:
    if pd.isna(top["test_macro_f1"]):
        return ""
    single = math.nan if best is None else best["test_macro_f1"]
    against = "" if best is None or pd.isna(single) else f"; the best single run {combined.test_score(best)}"
    few = f" ({top['test_images']:.0f} images, too few for an interval)" if pd.isna(top["test_macro_f1_low"]) else ""
    return f"Test F1 {combined.test_score(top)}{against}{few}."


def _ensemble_price(top: pd.Series, best: pd.Series | None) -> str:
    if best is None or (top["device"] and best["device"] and top["device"] != best["device"]):
        return ""
    members = top.copy()
    members["train_seconds"] = top["members_train_seconds"]
    return f"Its members cost {_price(members, best)} of the best single run."
