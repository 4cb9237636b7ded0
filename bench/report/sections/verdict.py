"""The answer in a few sentences, made from the numbers: the best run and ensemble, with certainty and cost."""

from __future__ import annotations

import pandas as pd

from bench.report import numbers
from bench.report.frame.points import COSTS, points, with_cost
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape

_SHOWN = 4


def verdict(ranking: Ranking) -> str:
    """One bullet each for the best run, the cheapest run within its noise, and the best ensemble."""
    if ranking.runs.empty and ranking.ensembles.empty:
        return "No run has finished yet."
    return bullets([text for text in (_best(ranking), _cheapest(ranking), _ensemble(ranking)) if text])


def _best(ranking: Ranking) -> str:
    if ranking.runs.empty:
        return "**Best single run**: none; the store holds no single run with a score."
    return f"{_score(ranking.configurations.iloc[0], ranking)} {_certainty(ranking)}"


def _score(best: pd.Series, ranking: Ranking) -> str:
    bounds = numbers.interval(best["score_low"], best["score_high"]) or "(too few images for an interval)"
    images = f"{ranking.fact('val_images')} validation images".strip()
    score = f"macro F1 {numbers.score(best['score'])} {bounds} on {images}"
    if best["n"] > 1:
        seeds = f"mean over {best['n']} seeds, whose sd is {numbers.score(best['sd'])}"
        return f"**Best configuration: {escape(best['label'])}**, {score}, {seeds}."
    return f"**Best single run: {escape(best['label'])}**, {score}."


def _certainty(ranking: Ranking) -> str:
    others = ranking.configurations.iloc[1:]
    if others.empty:
        return "The store holds no other run to rank."
    if not ranking.runs["compared_with_best"].any():
        return "Ties with the others were not computed."
    if not _has_intervals(ranking):
        return "With so few images no two runs can be told apart."
    tied = [escape(label) for label in others["label"][others["tied"]]]
    if not tied:
        return "On these images the score can be told apart from every other."
    names = f"{_listed(tied)} ({len(tied)} of {len(others)} others)"
    return f"On these images the score **cannot be told apart** from those of {names}."


def _has_intervals(ranking: Ranking) -> bool:
    """Without intervals everything is tied: too few images to say anything of the runs."""
    return bool(ranking.configurations["score_low"].notna().any())


def _listed(names: list[str]) -> str:
    shown = names[:_SHOWN] + [f"{len(names) - _SHOWN} more"] * (len(names) > _SHOWN)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _cheapest(ranking: Ranking) -> str:
    """The cheapest run to train among those on the front that the noise does not separate from the best."""
    if not ranking.runs["compared_with_best"].any() or not _has_intervals(ranking):
        return ""
    rows = points(ranking)
    rows = with_cost(rows[rows["kind"] == "run"], COSTS[0])
    best_label = ranking.configurations["label"].iloc[0]
    tied = rows[rows["front"] & (rows["tied"] | (rows["label"] == best_label))]
    if tied.empty or tied["label"].iloc[0] == best_label:
        return ""
    best = rows[rows["label"] == best_label]
    if best.empty or not best["comparable"].all():
        return ""
    cheap = tied.iloc[0]
    score, price = numbers.bounded_score(cheap, "score"), _price(cheap, best.iloc[0])
    return f"**Cheapest run tied with the best: {escape(cheap['label'])}**, {score}, at {price} of the best."


def _price(row: pd.Series, best: pd.Series) -> str:
    train = numbers.ratio(numbers.divide(row["train_seconds"], best["train_seconds"]))
    inference = numbers.ratio(numbers.divide(row["inference_ms_per_image"], best["inference_ms_per_image"]))
    return f"{train} the training seconds and {inference} the inference time"


def _ensemble(ranking: Ranking) -> str:
    if ranking.ensembles.empty:
        return ""
    top = ranking.ensembles.iloc[0]
    kind = "on the images it was fitted on" if pd.isna(top["macro_f1_cross_fitted"]) else "cross-fitted"
    score = numbers.bounded_score(top, "score")
    lead = f"**Best ensemble: {escape(top['label'])}**, macro F1 {score} {kind}."
    parts = [lead, _gain(top), _test(top, ranking.best), _ensemble_price(top, ranking.best)]
    return " ".join(part for part in parts if part)


def _gain(top: pd.Series) -> str:
    low, high = top["gain_over_best_single_low"], top["gain_over_best_single_high"]
    if pd.isna(top["gain_over_best_single"]):
        return "The gain over the best single run was not computed."
    text = numbers.bounded_gain(top, "gain_over_best_single")
    if pd.isna(low) or pd.isna(high):
        return f"Gain over the best single run: {text}, of unknown certainty."
    sure = "more than the noise" if low > 0 else "**worse**, beyond the noise" if high < 0 else "**within the noise**"
    return f"Gain over taking the best single run, scored the same way: {text}, {sure}."


def _test(top: pd.Series, best: pd.Series | None) -> str:
    if pd.isna(top["test_macro_f1"]):
        return ""
    text = f"Test F1 {numbers.bounded_score(top, 'test_macro_f1')}"
    if best is not None and pd.notna(best["test_macro_f1"]):
        text += f"; the best single run {numbers.bounded_score(best, 'test_macro_f1')}"
    few = f" ({top['test_images']:.0f} images, too few for an interval)" if pd.isna(top["test_macro_f1_low"]) else ""
    return f"{text}{few}."


def _ensemble_price(top: pd.Series, best: pd.Series | None) -> str:
    if best is None or (top["device"] and best["device"] and top["device"] != best["device"]):
        return ""
    members = top.copy()
    members["train_seconds"] = top["members_train_seconds"]
    return f"Its members cost {_price(members, best)} of the best single run."
