"""Gains over a single run from more pixels, a second backbone or further members. All scores are held out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.recommend.options import Option, known
from bench.ensemble_runs.ties import Contestant, Marks, Predicted, compare, computed_contestant
from ensembles.base import Probs
from ensembles.crossfit import cross_fit, stratified_folds
from ensembles.mean import Scoreboard, TopK
from ensembles.metrics import Labels, macro_f1

FOLDS, REPEATS, SEED = 5, 5, 0
MOST_MEMBERS = 8


@dataclass(frozen=True)
class Subjects:
    """Single runs whose gains are computed, best first.

    Attributes:
        options: M of them.
        names: M, the part of each label that stays the same at another resolution, such as the backbone.
        families: M.
        seeds: M arrays of probabilities float32 (S, N, C), rows sum to 1, of the seeds of each, the member's first.
        labels: int (N,).
        pairs: differences between neighbouring resolutions, as in the report (`bench.analysis.pairs.paired`).
        marks: cache of differences.
    """

    options: Sequence[Option]
    names: Sequence[str]
    families: Sequence[str]
    seeds: Sequence[Probs]
    labels: Labels
    pairs: pd.DataFrame
    marks: Marks

    @property
    def classes(self) -> int:
        """C."""
        return int(self.seeds[0].shape[2])

    def made(self, name: str, predicted: Predicted) -> Contestant:
        """Held-out predictions (R, N), as they are compared."""
        return computed_contestant(name, predicted, self.labels, self.classes)

    def gain(self, after: Contestant | None, before: Contestant | None) -> dict[str, float]:
        """Macro F1 of one minus that of another on the same images, with the interval of this pair alone."""
        if after is None or before is None:
            return dict.fromkeys(("gain", "gain_low", "gain_high"), math.nan)
        found = compare(after, [before], self.labels, self.classes, self.marks)[before.name]
        return {"gain": found.difference, "gain_low": known(found.low), "gain_high": known(found.high)}


def pixels_or_partner(subjects: Subjects) -> pd.DataFrame:
    """For each single run: the gain from the next resolution, and from a second backbone at its own instead.

    Returns:
        Columns subject, px and macro_f1; with the prefixes px_ and second_ also to (pixels, or a label), gain,
        gain_low, gain_high, train_seconds and ms_per_image, which come on top of the run's own. Columns without any
        value are absent.
    """
    rows = []
    for place, single in enumerate(subjects.options):
        row = _more_pixels(place, subjects) | _second_backbone(place, subjects)
        if row:
            rows.append({"subject": subjects.names[place], "px": single.image_px, "macro_f1": single.score} | row)
    return pd.DataFrame(rows)


def _more_pixels(place: int, subjects: Subjects) -> dict[str, Any]:
    single, options = subjects.options[place], {_key(option): option for option in subjects.options}
    for _, pair in subjects.pairs[subjects.pairs["one"] == _key(single)].iterrows():
        larger = options.get(pair["other"])
        if larger is not None and larger.image_px > single.image_px:  # not a pair of two rates
            gain = {"gain": pair["difference"], "gain_low": pair["low"], "gain_high": pair["high"]}
            costs = {
                "train_seconds": larger.train_seconds - single.train_seconds,
                "ms_per_image": larger.ms_per_image - single.ms_per_image,
            }
            return _prefixed("px_", {"to": larger.image_px} | gain | costs)
    return {}


def _second_backbone(place: int, subjects: Subjects) -> dict[str, Any]:
    partners = [other for other in range(len(subjects.options)) if _are_partners(place, other, subjects)]
    if not partners:
        return {}
    members = np.stack([subjects.seeds[partner][0] for partner in partners])
    predicted, chosen = with_partner(subjects.seeds[place], members, subjects.labels)
    partner = subjects.options[partners[chosen]]
    gain = subjects.gain(subjects.made("pair", predicted), subjects.options[place].contestant)
    costs = {"train_seconds": partner.train_seconds, "ms_per_image": partner.ms_per_image}
    return _prefixed("second_", {"to": partner.label} | gain | costs)


def members(subjects: Subjects) -> pd.DataFrame:
    """The gain from each further member of the mean of the best runs, and its cost.

    Members are chosen as by `topK`, anew on every fold; the names are the choice on all images.

    Returns:
        Columns members (a count), added (a label), macro_f1; gain, gain_low and gain_high over one member less;
        train_seconds and ms_per_image of all members; and of the last one, in points of F1 (hundredths),
        points_per_train_second and points_per_ms.
    """
    rows: list[dict[str, Any]] = []
    before: Contestant | None = None
    chosen: list[int] = []
    probs, labels = np.stack([seeds[0] for seeds in subjects.seeds]), subjects.labels
    board = Scoreboard(probs, labels, [seeds[1:] for seeds in subjects.seeds])
    for k in range(1, min(len(probs), MOST_MEMBERS) + 1):
        combiner = TopK(k, subjects.families, board=board)
        found = cross_fit(combiner, probs, labels, folds=min(FOLDS, len(labels)), repeats=REPEATS, seed=SEED)
        after = subjects.made(f"top{k}", found.predicted)
        new = [member for member in combiner.fit(probs, labels).models_used if member not in chosen]
        chosen += new
        gain = subjects.gain(after, before)
        per_time = _per_time(gain["gain"], [subjects.options[member] for member in chosen])
        rows.append({"members": k, "added": subjects.options[new[0]].label, "macro_f1": found.score} | gain | per_time)
        before = after
    return pd.DataFrame(rows)


def _key(option: Option) -> str:
    """Digest of the configuration."""
    return option.contestant.name if option.contestant else ""


def _are_partners(one: int, other: int, subjects: Subjects) -> bool:
    """Another backbone at the same resolution; of added runs of unknown resolution, any other."""
    sides = [subjects.options[place].image_px for place in (one, other)]
    same_px = sides[0] == sides[1] or all(map(math.isnan, sides))
    return subjects.names[one] != subjects.names[other] and same_px


def with_partner(seeds: Probs, partners: Probs, labels: Labels) -> tuple[Predicted, int]:
    """Classes of the mean with the best partner, chosen without the images it is applied to.

    Args:
        seeds: float32 (S, N, C), of the run; the choice goes by the mean over them.
        partners: float32 (P, N, C).
        labels: int (N,).

    Returns:
        Classes (R * S, N), and the index of the partner chosen on all images.
    """
    classes = seeds.shape[2]
    candidates = np.stack([[(seed + partner).argmax(axis=1) for seed in seeds] for partner in partners])
    predicted = np.empty((REPEATS, *candidates.shape[1:]), dtype=np.intp)
    rng = np.random.default_rng(SEED)
    for repeat in predicted:
        fold = stratified_folds(labels, min(FOLDS, len(labels)), rng)
        for held_out in (fold == k for k in np.unique(fold)):
            best = _best(candidates[:, :, ~held_out], labels[~held_out], classes)
            repeat[:, held_out] = candidates[best][:, held_out]
    return predicted.reshape(-1, len(labels)), _best(candidates, labels, classes)


def _best(candidates: Predicted, labels: Labels, classes: int) -> int:
    """Of candidates (P, S, N), the one of the best mean over seeds."""
    scores = [np.mean([macro_f1(labels, row, classes) for row in seeds]) for seeds in candidates]
    return int(np.argmax(scores))


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
