"""Gains over a single run from more pixels, a second backbone or further members. All scores are held out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.recommend.choice import difference
from bench.analysis.recommend.options import Option, Predicted
from ensembles.base import Probs
from ensembles.crossfit import CrossFit, cross_fit, stratified_folds
from ensembles.metrics import Labels, macro_f1
from ensembles.registry import make

FOLDS, REPEATS, SEED = 5, 5, 0
MOST_MEMBERS = 8


def pixels_or_partner(singles: Sequence[Option], subjects: Sequence[str], probs: Probs, labels: Labels) -> pd.DataFrame:
    """For each single run: the gain from the next resolution, and from a second backbone at its own instead.

    Args:
        singles: M options.
        subjects: M, the part of each label that stays the same at another resolution, such as the backbone.
        probs: float32 (M, N, C), of each.
        labels: int (N,).

    Returns:
        Columns subject, px and macro_f1; with the prefixes px_ and second_ also to (pixels, or a label), gain,
        gain_low, gain_high, train_seconds and ms_per_image, which come on top of the run's own. Columns without any
        value are absent.
    """
    classes, rows = probs.shape[2], []
    for place, single in enumerate(singles):
        larger = _next_resolution(place, singles, subjects)
        partners = [other for other in range(len(singles)) if _are_partners(place, other, singles, subjects)]
        row: dict[str, Any] = {"subject": subjects[place], "px": single.image_px, "macro_f1": single.score}
        if larger is not None:
            gain = _gain(larger.predicted, single.predicted, labels, classes)
            costs = {
                "train_seconds": larger.train_seconds - single.train_seconds,
                "ms_per_image": larger.ms_per_image - single.ms_per_image,
            }
            row |= _prefixed("px_", {"to": larger.image_px} | gain | costs)
        if partners:
            predicted, chosen = with_partner(probs, place, partners, labels)
            partner = singles[chosen]
            gain = _gain(predicted, probs[place].argmax(axis=1), labels, classes)
            costs = {"train_seconds": partner.train_seconds, "ms_per_image": partner.ms_per_image}
            row |= _prefixed("second_", {"to": partner.label} | gain | costs)
        if larger is not None or partners:
            rows.append(row)
    return pd.DataFrame(rows)


def members(singles: Sequence[Option], families: Sequence[str], probs: Probs, labels: Labels) -> pd.DataFrame:
    """The gain from each further member of the mean of the best runs, and its cost.

    Members are chosen as by `topK`, anew on every fold; the names are the choice on all images.

    Args:
        singles, families: M.
        probs: float32 (M, N, C), of each.
        labels: int (N,).

    Returns:
        Columns members (a count), added (a label), macro_f1; gain, gain_low and gain_high over one member less;
        train_seconds and ms_per_image of all members; and of the last one, in points of F1 (hundredths),
        points_per_train_second and points_per_ms.
    """
    rows: list[dict[str, Any]] = []
    before: CrossFit | None = None
    chosen: list[int] = []
    for k in range(1, min(len(singles), MOST_MEMBERS) + 1):
        combiner = make(f"top{k}", families=families)
        after = cross_fit(combiner, probs, labels, folds=min(FOLDS, len(labels)), repeats=REPEATS, seed=SEED)
        new = [member for member in combiner.fit(probs, labels).models_used if member not in chosen]
        chosen += new
        gain = _gain(after.predicted, None if before is None else before.predicted, labels, probs.shape[2])
        per_time = _per_time(gain["gain"], [singles[member] for member in chosen])
        rows.append({"members": k, "added": singles[new[0]].label, "macro_f1": after.score} | gain | per_time)
        before = after
    return pd.DataFrame(rows)


def _next_resolution(place: int, singles: Sequence[Option], subjects: Sequence[str]) -> Option | None:
    single = singles[place]
    larger = [
        other
        for other, subject in zip(singles, subjects, strict=True)
        if subject == subjects[place] and other.image_px > single.image_px
    ]
    return min(larger, key=lambda other: other.image_px, default=None)


def _are_partners(one: int, other: int, singles: Sequence[Option], subjects: Sequence[str]) -> bool:
    """Another backbone at the same resolution; of added runs of unknown resolution, any other."""
    same_px = singles[one].image_px == singles[other].image_px
    neither = math.isnan(singles[one].image_px) and math.isnan(singles[other].image_px)
    return subjects[one] != subjects[other] and (same_px or neither)


def with_partner(probs: Probs, place: int, partners: Sequence[int], labels: Labels) -> tuple[Predicted, int]:
    """Classes (R, N) of the mean with the best partner, chosen without the images it is applied to.

    The second value is the partner chosen on all images.
    """
    classes = probs.shape[2]
    candidates = np.stack([(probs[place] + probs[partner]).argmax(axis=1) for partner in partners])
    predicted = np.empty((REPEATS, len(labels)), dtype=np.intp)
    rng = np.random.default_rng(SEED)
    for row in predicted:
        fold = stratified_folds(labels, min(FOLDS, len(labels)), rng)
        for held_out in (fold == k for k in np.unique(fold)):
            best = _best(candidates[:, ~held_out], labels[~held_out], classes)
            row[held_out] = candidates[best, held_out]
    return predicted, partners[_best(candidates, labels, classes)]


def _best(candidates: Predicted, labels: Labels, classes: int) -> int:
    return int(np.argmax([macro_f1(labels, predicted, classes) for predicted in candidates]))


def _gain(after: Predicted | None, before: Predicted | None, labels: Labels, classes: int) -> dict[str, float]:
    if after is None or before is None:
        return dict.fromkeys(("gain", "gain_low", "gain_high"), math.nan)
    low, high = difference(after, before, labels, classes)
    gain = _score(after, labels, classes) - _score(before, labels, classes)
    return {"gain": gain, "gain_low": low, "gain_high": high}


def _score(predicted: Predicted, labels: Labels, classes: int) -> float:
    return float(np.mean([macro_f1(labels, row, classes) for row in np.atleast_2d(predicted)]))


def _per_time(gain: float, chosen: Sequence[Option]) -> dict[str, float]:
    last = chosen[-1]
    return {
        "train_seconds": sum(member.train_seconds for member in chosen),
        "ms_per_image": sum(member.ms_per_image for member in chosen),
        "points_per_train_second": _ratio(100 * gain, last.train_seconds),
        "points_per_ms": _ratio(100 * gain, last.ms_per_image),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _prefixed(prefix: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {prefix + name: value for name, value in content.items()}
