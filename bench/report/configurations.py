"""Runs that differ in nothing but their seed, taken together: mean, sd and n, never the best of k."""

from __future__ import annotations

import pandas as pd

from bench.report import numbers
from bench.report.markdown import table
from bench.report.ranking import Ranking

_SAME = ["configuration", "backbone", "family", "recipe", "device", "image_px"]
_COSTS = ["train_seconds", "inference_ms_per_image"]


def configurations(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per configuration, best mean first, under the column names of a run.

    Columns: those of `_SAME`, label, n, score (mean over seeds), sd, score_low and score_high (one seed: the bootstrap
    interval; several: one sd about the mean), train_seconds and inference_ms_per_image (means), and tied (a seed of it
    cannot be told apart from the best single run).
    """
    groups = runs.assign(n=1, sd=runs["score"]).groupby("configuration", sort=False)
    how = dict.fromkeys((*_SAME[1:], "score_low", "score_high"), "first")
    how |= {"n": "sum", "sd": "std", "score": "mean", "indistinguishable_from_best": "any"}
    how |= dict.fromkeys(_COSTS, "mean")
    found = groups.agg(how).reset_index().rename(columns={"indistinguishable_from_best": "tied"})
    repeated = found["n"] > 1
    found["score_low"] = found["score_low"].where(~repeated, found["score"] - found["sd"])
    found["score_high"] = found["score_high"].where(~repeated, found["score"] + found["sd"])
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
