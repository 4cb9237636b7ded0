"""Training: scores at scaled learning rates (one shared rate can decide a ranking), curves, schedules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from bench.report import numbers
from bench.report.figures import curves, schedule
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, columns_table, escape

# Columns that runs must share for their difference to come from the rate.
_SAME = ["recipe", "image_px", "plugin", "weights", "weights_seed", "precision", "strategy", "global_batch"]
_NOTE = (
    "Every learning rate of the recipe times the scale; of several seeds the mean over those that ran at each scale "
    "shown. **over x1**: gain of the best scale, paired on the same images and seeds, with its 95 % interval. The best "
    "of several rates was chosen on the validation images that score it, which flatters; only other images tell by how "
    "much."
)


@dataclass(frozen=True)
class Rates:
    """One backbone at one resolution: a mean score by scale, over the same seeds."""

    label: str
    group: tuple[str, float]  # recipe and pixels: those of one group are ranked
    scores: pd.Series[float]  # index lr_scale
    configurations: pd.Series[str]  # index lr_scale
    seeds: tuple[int, ...]

    @property
    def best(self) -> float:
        """The scale of the highest score; of equals the one closest to 1."""
        scores = self.scores
        return float(min(scores.index, key=lambda scale: (-scores[scale], abs(math.log(scale)), scale)))

    def score(self, scale: float) -> float:
        """The score at a scale; NaN if no run had it."""
        return float(self.scores.get(scale, math.nan))

    def over_one(self, pairs: pd.DataFrame) -> str:
        """The gain of the best scale over 1, with its interval if `pairs` has that of the same seeds."""
        gained = self.score(self.best) - self.score(1.0)
        for _, pair in pairs.iterrows():
            sides = (self.configurations.get(1.0), self.configurations[self.best])
            if (pair["one"], pair["other"]) == sides and tuple(pair["seeds"]) == self.seeds:
                return numbers.gain_with(gained, pair["low"], pair["high"])
        return numbers.gain(gained)


def rates(ranking: Ranking) -> list[str]:
    """The table of scaled rates, and whether the ranking depends on the rate."""
    found = list(_scaled(ranking.runs))
    return [_table(found, ranking.pairs), bullets(list(_rankings(found))), _NOTE] if found else []


def learning_curves(ranking: Ranking, pictures: Mapping[str, str]) -> list[str]:
    """The figure, and the groups without room in it."""
    missing = [escape(title) for title in curves.left_out(ranking)]
    note = f"Not drawn, being further down the ranking: {', '.join(missing)}." if missing else ""
    return [pictures.get(curves.NAME, ""), note]


def schedules(ranking: Ranking, pictures: Mapping[str, str]) -> list[str]:
    """The figure, the description of each recipe, and the recipes whose rate as run differs."""
    known, frames = sorted(ranking.inputs.recipes.items()), sorted(ranking.inputs.schedules.items())
    odd = [escape(name) for name, frame in frames if schedule.differs(frame)]
    note = f"As run, the rate differs from the recipe in: {', '.join(odd)}." if odd else ""
    recipes = bullets([f"**{escape(name)}**: {escape(text)}" for name, text in known])
    return [pictures.get(schedule.NAME, ""), recipes, note]


def _scaled(runs: pd.DataFrame) -> Iterator[Rates]:
    runs = runs[~runs["added"]]
    scale = runs["lr_scale"].fillna(1.0)
    base = [_base(recipe, one) for recipe, one in zip(runs["recipe"], scale, strict=True)]
    runs = runs.assign(lr_scale=scale, full_recipe=runs["recipe"], recipe=base)
    several = runs.groupby(["backbone", *_SAME], dropna=False)["lr_scale"].transform("nunique") > 1
    compared = runs[several & (runs["backbone"] != "") & runs["image_px"].notna()]
    one_recipe = compared["recipe"].nunique() == 1
    for _, group in compared.groupby(["backbone", *_SAME], sort=False, dropna=False):
        same = _same_seeds(group)
        if len(same):
            by_scale, ranked_with = same.groupby("lr_scale"), (same["recipe"].iloc[0], same["image_px"].iloc[0])
            seeds = tuple(int(seed) for seed in sorted(same["seed"].dropna().unique()))
            label, scores = _label(same.iloc[0], one_recipe), by_scale["score"].mean()
            yield Rates(label, ranked_with, scores, by_scale["configuration"].first(), seeds)


def _same_seeds(group: pd.DataFrame) -> pd.DataFrame:
    """The runs of the seeds that share the most scales: a rate is compared over the same seeds only."""
    by_seed = group.groupby("seed", dropna=False)["lr_scale"].agg(frozenset)
    scales = max(by_seed, key=lambda scales: (len(scales), 1.0 in scales))
    if len(scales) < 2:
        return group.iloc[:0]
    seeds = [seed for seed, has in by_seed.items() if has >= scales]
    return group[group["seed"].isin(seeds) & group["lr_scale"].isin(list(scales))]


def _base(recipe: str, scale: float) -> str:
    return recipe if scale == 1 else recipe.removesuffix(f" lr x{scale:g}")


def _label(run: pd.Series, one_recipe: bool) -> str:
    return str(run["name"]).replace(f" {run['full_recipe']}", "" if one_recipe else f" {run['recipe']}", 1)


def _table(found: list[Rates], pairs: pd.DataFrame) -> str:
    scales = sorted({float(scale) for each in found for scale in each.scores.index})
    columns = {
        "backbone": [each.label for each in found],
        **{f"x{scale:g}": [numbers.score(each.score(scale)) for each in found] for scale in scales},
        "best": [f"x{each.best:g}" for each in found],
        "over x1": [each.over_one(pairs) for each in found],
    }
    return columns_table(columns, left=["backbone"])


def _rankings(found: list[Rates]) -> Iterator[str]:
    """A sentence for each recipe and resolution at which several backbones ran at scale 1."""
    for group in dict.fromkeys(each.group for each in found):
        members = [each for each in found if each.group == group and 1.0 in each.scores.index]
        if len(members) > 1:
            yield _ranking(members, *group)


def _ranking(members: list[Rates], recipe: str, px: float) -> str:
    shared = _order(members, [each.score(1.0) for each in members])
    own = _order(members, [each.score(each.best) for each in members])
    ranking = f"**{escape(recipe)} at {px:.0f} px**: the ranking at scale 1 ({shared})"
    if shared == own:
        return f"{ranking} stays the same with the best rate of each."
    return f"{ranking} **changes** with the best rate of each: {own}."


def _order(members: list[Rates], scores: list[float]) -> str:
    """Labels by falling score, as text."""
    ranked = sorted(zip(scores, (each.label for each in members), strict=True), key=lambda pair: (-pair[0], pair[1]))
    return ", ".join(escape(label) for _, label in ranked)
