"""What more pixels buy: the score gained and the time paid between resolutions of one backbone."""

from __future__ import annotations

import itertools
import math

import pandas as pd

from bench.report import numbers
from bench.report.frame.points import points
from bench.report.frame.ranking import Ranking
from bench.report.markdown import table

_HEADERS = ["backbone", "px", "macro F1", "difference", "+/-", "train s", "train ratio", "ms/image", "ms ratio"]


def resolution(ranking: Ranking) -> str:
    """One line per backbone, recipe and step between neighbouring resolutions, or nothing."""
    rows = points(ranking)
    rows = rows[(rows["kind"] == "run") & rows["comparable"] & rows["image_px"].notna()]
    pairs = [pair for _, group in rows.groupby(without_px(rows)) for pair in _neighbours(group)]
    pairs.sort(key=lambda pair: pair[0]["score"] - pair[1]["score"])
    return table(_HEADERS, [_cells(*pair) for pair in pairs], left=["backbone"]) if pairs else ""


def without_px(rows: pd.DataFrame) -> pd.Series[str]:
    """What stays of each label when the resolution changes: the backbone and whatever else its name says."""
    texts = [label.replace(f"@{px:.0f}", "", 1) for label, px in zip(rows["label"], rows["image_px"], strict=True)]
    return pd.Series(texts, index=rows.index, name="subject")


def _neighbours(group: pd.DataFrame) -> list[tuple[pd.Series, pd.Series]]:
    ordered = group.assign(subject=without_px(group)).sort_values("image_px")
    return list(itertools.pairwise(row for _, row in ordered.iterrows()))


def _cells(small: pd.Series, large: pd.Series) -> list[str]:
    return [
        small["subject"],
        f"{small['image_px']:.0f} → {large['image_px']:.0f}",
        f"{numbers.score(small['score'])} → {numbers.score(large['score'])}",
        numbers.gain(large["score"] - small["score"]),
        numbers.score(math.hypot(_half_width(small), _half_width(large)), 2),
        *_paid(small, large, "train_seconds"),
        *_paid(small, large, "inference_ms_per_image"),
    ]


def _paid(small: pd.Series, large: pd.Series, cost: str) -> tuple[str, str]:
    both = f"{numbers.significant(small[cost])} → {numbers.significant(large[cost])}"
    return both, numbers.ratio(numbers.divide(large[cost], small[cost]))


def _half_width(row: pd.Series) -> float:
    return float(row["score_high"] - row["score_low"]) / 2
