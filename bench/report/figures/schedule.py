"""The learning rate of each recipe, and beside it the rate of the optimizer if the two differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.report.figures.style import BLUE, VERMILION, caption, new_figure
from bench.report.frame.ranking import Ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


NAME, CAPTION = "schedule.png", "Learning rate per epoch of every recipe"


def subject(ranking: Ranking) -> dict[str, pd.DataFrame] | None:
    """Schedules by recipe; None if none is known."""
    return {name: frame for name, frame in sorted(ranking.inputs.schedules.items()) if len(frame)} or None


def draw(schedules: Mapping[str, pd.DataFrame]) -> Figure:
    """The figure of these schedules."""
    across = min(len(schedules), 3)
    down = math.ceil(len(schedules) / across)
    width, height = 3.7 * across + 2.0 * (across == 1), 2.8 * down
    figure = new_figure(width, height)
    figure.subplots_adjust(left=0.65 / width, right=1 - 0.1 / width, top=1 - 0.35 / height, bottom=0.5 / height)
    figure.subplots_adjust(wspace=0.3, hspace=0.45)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel, (name, frame) in zip(panels, schedules.items(), strict=False):
        _panel(panel, name, frame)
    for unused in panels[len(schedules) :]:
        unused.set_visible(False)
    return figure


def _panel(axes: Axes, name: str, frame: pd.DataFrame) -> None:
    axes.set_title(caption(name))
    axes.set_xlabel("epoch")
    axes.set_ylabel("learning rate")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    epochs = frame["epoch"] + 1
    axes.plot(epochs, frame["learning_rate"], color=BLUE, marker=".", label="recipe")
    if differs(frame):
        axes.plot(epochs, frame["learning_rate_as_run"], color=VERMILION, marker=".", linestyle="--", label="as run")
        axes.legend()
    axes.set_ylim(bottom=0)


def differs(frame: pd.DataFrame) -> bool:
    """Whether the learning rate of the optimizer differed from the recipe."""
    if "learning_rate_as_run" not in frame:
        return False
    written, run = (frame[name].to_numpy(float) for name in ("learning_rate", "learning_rate_as_run"))
    return not np.allclose(written, run, rtol=1e-6, atol=0, equal_nan=True)
