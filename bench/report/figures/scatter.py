"""Score against cost: one panel per kind of cost, the Pareto front as a staircase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.report.figures.placement import place
from bench.report.figures.style import COLOURS, FAINT, INK, caption, colours, markers, new_figure, plain_log_axis
from bench.report.frame.points import COSTS, CostAxis, points, with_cost
from bench.report.frame.ranking import Ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

NAME, CAPTION = "accuracy-versus-cost.png", "Macro F1 against steady training seconds and against inference time"
_OTHERS = "other families"
_COMBINED = {"ensemble": "*", "cascade": "d"}
_ALL_NAMED = 18  # more labels hide the points they name: then only the front and the ties are named


def subject(ranking: Ranking) -> pd.DataFrame | None:
    """The points; None if no cost is known."""
    rows = points(ranking)
    return rows if has_costs(rows) else None


def has_costs(rows: pd.DataFrame) -> bool:
    """Whether any point has a known cost."""
    return not all(with_cost(rows, cost).empty for cost in COSTS)


def draw(rows: pd.DataFrame) -> Figure:
    """The figure of these points (see `bench.report.frame.points`) of runs, ensembles and cascades."""
    rows = _styled(rows)
    panels = [(cost, found) for cost in COSTS if not (found := with_cost(rows, cost)).empty]
    figure = new_figure(11, 5.2)
    figure.subplots_adjust(left=0.066, right=0.985, top=0.98, bottom=0.18, wspace=0.06)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    axes[0].set_ylabel("macro F1 (validation)")
    axes[0].locator_params(axis="y", steps=[1, 2, 5, 10])
    for panel, (cost, found) in zip(axes, panels, strict=True):
        _panel(panel, cost, found)
    for panel, (cost, found) in zip(axes, panels, strict=True):  # when the shared scale is final
        _name_points(panel, cost, found)
    _legend(figure, rows)
    return figure


def _styled(rows: pd.DataFrame) -> pd.DataFrame:
    """Add colour (family), marker (resolution) and size of each point."""
    is_run = rows["kind"] == "run"
    family = rows["family"].where(rows["family"] != "", rows["label"])
    family = _best_families(family, is_run)
    colour, marker = colours(family[is_run & (family != _OTHERS)]), markers(rows["image_px"].dropna())
    return rows.assign(
        family=family,
        colour=[colour.get(name, FAINT) if run else INK for name, run in zip(family, is_run, strict=True)],
        marker=[
            marker.get(px, "X") if kind == "run" else _COMBINED[kind]
            for px, kind in zip(rows["image_px"], rows["kind"], strict=True)
        ],
        area=rows["kind"].map({"ensemble": 150.0}).fillna(46.0),
    )


def _best_families(family: pd.Series[str], is_run: pd.Series[bool]) -> pd.Series[str]:
    """As many families as there are colours, the best first; the rest share a name and grey."""
    shown = list(dict.fromkeys(family[is_run]))
    return family if len(shown) <= COLOURS else family.where(family.isin(shown[:COLOURS]), _OTHERS)


def _panel(axes: Axes, cost: CostAxis, rows: pd.DataFrame) -> None:
    low, high = rows[cost.column].min(), rows[cost.column].max()
    plain_log_axis(axes, "x", decades=float(np.log10(high / low)))
    room = max((high / low) ** 0.12, 1.3)  # for labels left and right
    axes.set_xlim(low / room, high * room)
    axes.set_xlabel(f"{cost.title} ({cost.unit})")
    axes.margins(y=0.06)
    bars = rows[rows["score_low"].notna() & rows["score_high"].notna()]
    heights = (bars["score_low"], bars["score_high"])
    axes.vlines(bars[cost.column], *heights, colors=list(bars["colour"]), linewidth=1.1, alpha=0.45, zorder=2)
    for marker, points_of_shape in rows.groupby("marker", sort=False):
        _points(axes, cost, str(marker), points_of_shape)
    stairs = rows[rows["front"]]
    if not stairs.empty:
        end = axes.get_xlim()[1]
        x, y = [*stairs[cost.column], end], [*stairs["score"], stairs["score"].iloc[-1]]
        axes.plot(x, y, drawstyle="steps-post", color=FAINT, linewidth=1.3, zorder=1.5, scalex=False)


def _points(axes: Axes, cost: CostAxis, marker: str, rows: pd.DataFrame) -> None:
    """All points of one shape; hollow if their cost is not comparable."""
    full = rows["comparable"]
    face, edge = rows["colour"].where(full, "white"), rows["colour"].where(~full, "white")
    style: dict[str, Any] = {"facecolor": list(face), "edgecolor": list(edge), "linewidth": 1.2, "zorder": 3}
    axes.scatter(rows[cost.column], rows["score"], s=rows["area"], marker=marker, **style)


def _name_points(axes: Axes, cost: CostAxis, rows: pd.DataFrame) -> None:
    named = rows if len(rows) <= _ALL_NAMED else rows[rows["front"] | rows["tied"] | (rows["kind"] == "ensemble")]
    texts = [_text(axes, row["label"]) for _, row in named.iterrows()]
    sizes = np.array([(box.width + 6, box.height + 4) for box in (text.get_window_extent() for text in texts)])
    anchors = _pixels(axes, named, cost, "score")
    centres = place(anchors, sizes, _obstacles(axes, cost, rows), np.array(axes.get_window_extent().extents))
    for text, anchor, size, centre in zip(texts, anchors, sizes, centres, strict=True):
        text.set_position(tuple(axes.transData.inverted().transform(centre)))
        _leader(axes, anchor, size, centre)


def _text(axes: Axes, label: str) -> Text:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.2, foreground="white")]
    return axes.text(0, 0, caption(label), fontsize=8.2, ha="center", va="center", zorder=5, path_effects=halo)


def _obstacles(axes: Axes, cost: CostAxis, rows: pd.DataFrame) -> np.ndarray:
    """Boxes around every marker, every tread of the staircase and, thinner since labels may cross them, error bars."""
    marks = _pixels(axes, rows, cost, "score")
    bars = rows[rows["score_low"].notna() & rows["score_high"].notna()]
    low, high = (_pixels(axes, bars, cost, bound) for bound in ("score_low", "score_high"))
    stairs = _pixels(axes, rows[rows["front"]], cost, "score")
    ends = np.append(stairs[1:, 0], axes.get_window_extent().x1)[: len(stairs)]
    treads = np.stack([stairs[:, 0], stairs[:, 1] - 4, ends, stairs[:, 1] + 4], axis=1)
    return np.concatenate([np.concatenate([marks - 10, marks + 10], 1), np.concatenate([low - 1, high + 1], 1), treads])


def _pixels(axes: Axes, rows: pd.DataFrame, cost: CostAxis, height: str) -> np.ndarray:
    return np.asarray(axes.transData.transform(rows[[cost.column, height]].to_numpy(float)))


def _leader(axes: Axes, anchor: np.ndarray, size: np.ndarray, centre: np.ndarray) -> None:
    """A thin line from a label to its point, if they are far apart."""
    nearest = np.clip(anchor, centre - size / 2, centre + size / 2)
    if np.hypot(*(nearest - anchor)) < 22:
        return
    ends = axes.transData.inverted().transform([anchor, nearest])
    axes.plot(*ends.T, color=FAINT, linewidth=0.7, zorder=1.8, scalex=False, scaley=False)


def _legend(figure: Figure, rows: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D

    def key(label: str, marker: str, colour: str, *, size: float = 7, hollow: bool = False) -> Line2D:
        style: dict[str, Any] = {"marker": marker, "color": colour, "markersize": size, "label": caption(label, 24)}
        return Line2D([], [], linestyle="", markerfacecolor="white" if hollow else colour, **style)

    runs = rows[rows["kind"] == "run"]
    families = dict(sorted(zip(runs["family"], runs["colour"], strict=True), key=lambda pair: (pair[1] == FAINT, pair)))
    sizes = dict(sorted(zip(runs["image_px"].dropna(), runs.loc[runs["image_px"].notna(), "marker"], strict=True)))
    keys = [key(family, "o", colour) for family, colour in families.items()]
    keys += [key(f"{px:.0f} px", marker, FAINT) for px, marker in sizes.items()]
    keys += [key("ensemble", "*", INK, size=11)] * bool((rows["kind"] == "ensemble").any())
    keys += [key("cascade", _COMBINED["cascade"], INK)] * bool((rows["kind"] == "cascade").any())
    keys += [key("other device", "o", FAINT, hollow=True)] * bool((~rows["comparable"]).any())
    keys += [Line2D([], [], color=FAINT, linewidth=1.3, label="Pareto front")]
    figure.legend(handles=keys, loc="lower center", ncols=min(len(keys), 9), columnspacing=1.6, handletextpad=0.4)
