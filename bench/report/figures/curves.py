"""Learning curves: a column of panels per backbone (and recipe), loss above, macro F1 below, a colour a resolution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.report.figures.style import INK, caption, colours, new_figure, plain_log_axis
from bench.report.frame.ranking import Ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME, CAPTION = "learning-curves.png", "Loss and validation macro F1 per epoch"
SHOWN = 12  # groups, the best first: more cost seconds to draw and are too small to read
_DASHED = (0, (2, 1.2))

Group = tuple[str, list[tuple[float, pd.DataFrame]]]


def subject(ranking: Ranking) -> list[Group] | None:
    """The groups to draw, best first: a title, and the pixels and history of each run under it."""
    runs, histories = _drawable(ranking), ranking.inputs.histories
    groups = list(runs.groupby(_titles(runs), sort=False))[:SHOWN] if len(runs) else []
    found = []
    for title, group in groups:
        pairs = zip(group["image_px"], group["run_id"], strict=True)
        found.append((str(title), [(px, histories[run_id]) for px, run_id in pairs]))
    return found or None


def draw(groups: list[Group]) -> Figure:
    """The figure of these groups."""
    across = min(len(groups), 4 if len(groups) <= 8 else 6)
    figure = new_figure(11 if across > 1 else 5.5, 0.6 + 3.6 * math.ceil(len(groups) / across))
    colour = colours(_size(px) for _, runs in groups for px, _ in runs)
    size = 10 if max(len(title) for title, _ in groups) * across < 90 else 7
    for (upper, lower), (title, runs) in zip(_panels(figure, len(groups), across), groups, strict=True):
        upper.set_title(caption(title), fontsize=size)
        _curves(upper, lower, runs, colour)
    _legend(figure, colour)
    return figure


def left_out(ranking: Ranking) -> list[str]:
    """The groups without room in the figure."""
    runs = _drawable(ranking)
    return list(_titles(runs).unique()[SHOWN:]) if len(runs) else []


def _drawable(ranking: Ranking) -> pd.DataFrame:
    return ranking.current[ranking.current["run_id"].isin(list(ranking.inputs.histories))]


def _titles(runs: pd.DataFrame) -> pd.Series[str]:
    titles = runs["backbone"].where(runs["backbone"] != "", runs["label"])
    scaled = bool((runs["lr_scale"].fillna(1.0) != 1.0).any())
    return titles + " " + runs["recipe"] if scaled or runs["recipe"].nunique() > 1 else titles


def _panels(figure: Figure, count: int, across: int) -> list[tuple[Axes, Axes]]:
    """A pair of panels per group, loss above score, all of a kind on one scale."""
    blocks, inches = math.ceil(count / across), figure.get_size_inches()[1]
    grid = figure.add_gridspec(
        blocks, 1, left=0.055, right=0.995, top=1 - 0.3 / inches, bottom=0.8 / inches, hspace=0.22
    )
    pairs: list[tuple[Axes, Axes]] = []
    for place in range(count):
        block, column = divmod(place, across)
        cells = grid[block].subgridspec(2, across, hspace=0.1, wspace=0.06)
        loss, score = pairs[0] if pairs else (None, None)
        upper = figure.add_subplot(cells[0, column], sharex=loss, sharey=loss)
        lower = figure.add_subplot(cells[1, column], sharex=upper, sharey=score)
        _number_edges(upper, lower, is_left=column == 0, is_lowest=place + across >= count)
        pairs.append((upper, lower))
    return pairs


def _number_edges(upper: Axes, lower: Axes, *, is_left: bool, is_lowest: bool) -> None:
    """Tick labels at the edges of the figure only: repeated ones are clutter, and most of the drawing time."""
    upper.tick_params(labelbottom=False, labelleft=is_left)
    lower.tick_params(labelbottom=is_lowest, labelleft=is_left)
    if is_left:
        upper.set_ylabel("loss")
        lower.set_ylabel("validation macro F1")
    if is_lowest:
        lower.set_xlabel("epoch")


def _curves(loss: Axes, score: Axes, runs: list[tuple[float, pd.DataFrame]], colour: dict[str, str]) -> None:
    plain_log_axis(loss, "y", decades=1)
    for px, history in runs:
        style = {"color": colour[_size(px)], "linewidth": 1.4}
        _line(loss, history, "loss", linestyle=_DASHED, **style)
        _line(loss, history, "val_loss", **style)
        _line(score, history, "val_macro_f1", **style)


def _line(axes: Axes, history: pd.DataFrame, column: str, **style: Any) -> None:
    if column in history:
        values = history[column].to_numpy(float)
        axes.plot(history["epoch"] + 1, values, marker="o" if len(values) == 1 else "", markersize=4, **style)


def _legend(figure: Figure, colour: dict[str, str]) -> None:
    from matplotlib.lines import Line2D

    keys = [Line2D([], [], color=value, label=name) for name, value in colour.items()]
    keys += [
        Line2D([], [], color=INK, label="validation"),
        Line2D([], [], color=INK, linestyle=_DASHED, label="training"),
    ]
    figure.legend(handles=keys, loc="lower center", ncols=len(keys))


def _size(px: float) -> str:
    return "resolution unknown" if math.isnan(px) else f"{px:.0f} px"
