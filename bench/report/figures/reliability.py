"""Reliability diagram of the best ensemble: accuracy at each confidence, with and without temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.report import numbers
from bench.report.figures.style import BLUE, FAINT, VERMILION, new_figure
from bench.report.frame.ranking import Ranking

if TYPE_CHECKING:
    from matplotlib.figure import Figure


NAME, CAPTION = "reliability.png", "Accuracy against confidence of the best ensemble"


def subject(ranking: Ranking) -> dict[str, Any] | None:
    """Bins and calibration errors of held-out predictions before and after; None if they were not kept."""
    calibration = ranking.combinations[0][1].get("calibration") if ranking.combinations else None
    if not calibration:
        return None
    return {
        side: (pd.DataFrame(calibration[f"bins_{side}"]), calibration[side]["calibration_error"])
        for side in ("before", "after")
    }


def draw(sides: dict[str, Any]) -> Figure:
    """The figure of these bins; the area of a point is its number of images."""
    figure = new_figure(5.5, 4.4)
    figure.subplots_adjust(left=0.12, right=0.98, top=0.82, bottom=0.12)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.0, linestyle=":", label="confidence equals accuracy")
    for (side, (bins, error)), colour in zip(sides.items(), (VERMILION, BLUE), strict=True):
        label = f"{'as combined' if side == 'before' else 'with temperature'}, calibration error {numbers.score(error)}"
        axes.plot(bins["confidence"], bins["accuracy"], color=colour, linewidth=1.1, label=label)
        area = 12 + 220 * np.sqrt(bins["images"] / bins["images"].sum())
        axes.scatter(bins["confidence"], bins["accuracy"], s=area, color=colour, alpha=0.6, linewidth=0)
    axes.set_xlabel("confidence (highest probability, mean of the bin)")
    axes.set_ylabel("accuracy in the bin")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    # Above the plot: with few images the lines cross the whole plot.
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), borderaxespad=0)
    return figure
