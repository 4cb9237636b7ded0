"""Runs that differ in nothing but their seed, taken together: mean, sd and n, never the best of k."""

from __future__ import annotations

import pandas as pd

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import table

_SAME = ["configuration", "backbone", "family", "recipe", "device", "image_px"]
_MEANS = ["score", "score_low", "score_high", "train_seconds", "inference_ms_per_image", "cost_usd"]


def configurations(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per configuration, best mean first, under the column names of a run.

    Columns: those of `_SAME`, label, n, tied (a seed of it cannot be told apart from the best single run), sd of the
    score over seeds, and means over seeds of score, its bounds (still those of an interval over images), train_seconds,
    inference_ms_per_image and cost_usd.
    """
    groups = runs.assign(n=1, sd=runs["score"]).groupby("configuration", sort=False)
    how = dict.fromkeys(_SAME[1:], "first") | dict.fromkeys(_MEANS, "mean")
    how |= {"n": "sum", "sd": "std", "indistinguishable_from_best": "any"}
    found = groups.agg(how).reset_index().rename(columns={"indistinguishable_from_best": "tied"})
    found["label"] = found["configuration"]
    return found.sort_values(["score", "label"], ascending=[False, True], kind="stable").reset_index(drop=True)


def seeds(ranking: Ranking) -> str:
    """The table of configurations that were trained with several seeds, or nothing."""
    found = configurations(ranking.runs)
    found = found[found["n"] > 1]
    if found.empty:
        return ""
    cells = zip(
        found["label"],
        (numbers.score(value) for value in found["score"]),
        (numbers.score(value) for value in found["sd"]),
        (f"{n:.0f}" for n in found["n"]),
        numbers.column(found["train_seconds"]),
        numbers.column(found["inference_ms_per_image"]),
        strict=True,
    )
    headers = ["configuration", "mean macro F1", "sd", "n", "mean train s", "mean ms/image"]
    return table(headers, list(cells), left=["configuration"])
