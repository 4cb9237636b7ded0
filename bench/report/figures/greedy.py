"""Greedy selection: macro F1 against the number of members and their cost, pick after pick."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.report.figures.style import BLUE, FAINT, VERMILION, new_figure
from bench.report.frame.ranking import Ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME, CAPTION = "greedy-selection.png", "Macro F1 of greedy selection against members and their cost"
_COSTS = {
    "members": "different members",
    "ms_per_image": "inference (ms per image, all members)",
    "train_seconds": "training, steady (s, all members)",
}


def subject(ranking: Ranking) -> dict[str, Any] | None:
    """Steps, number of those kept, and the best single run's cross-fitted score; None without a greedy selection."""
    found = ranking.combination_with("greedy")
    if found is None:
        return None
    path = found[1]["greedy"]
    single = found[1].get("best_single_cross_fitted")
    steps = pd.DataFrame(path["steps"])
    steps["train_seconds"] = _steady(steps["picked"], ranking)
    return {"steps": steps, "kept": path["kept"], "single": np.nan if single is None else single}


def _steady(picked: Iterable[str], ranking: Ranking) -> list[float]:
    """Training of the members so far; those of earlier versions were stored with their start-up."""
    seconds = dict(zip(ranking.rows["run_id"], ranking.rows["train_seconds"], strict=True))
    members: set[str] = set()
    sums = []
    for run_id in picked:
        members.add(run_id)
        sums.append(sum(seconds.get(member, np.nan) for member in sorted(members)))
    return sums


def draw(path: dict[str, Any]) -> Figure:
    """The figure of these steps."""
    steps = path["steps"]
    costs = [name for name in _COSTS if steps[name].notna().all()]
    figure = new_figure(11 if len(costs) > 1 else 5.5, 3.6)
    figure.subplots_adjust(left=0.066, right=0.985, top=0.97, bottom=0.27, wspace=0.06)
    axes = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    axes[0].set_ylabel("macro F1 (validation)")
    for panel, name in zip(axes, costs, strict=True):
        _panel(panel, name, path)
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="lower center", ncols=len(texts))
    return figure


def _panel(axes: Axes, name: str, path: dict[str, Any]) -> None:
    steps, kept = path["steps"], path["kept"] - 1
    axes.set_xlabel(_COSTS[name])
    if name == "members":
        axes.locator_params(axis="x", integer=True)
    if not np.isnan(path["single"]):
        axes.axhline(path["single"], color=FAINT, linewidth=1.2, linestyle=":", label="best single run, cross-fitted")
    for column, colour, label in (
        ("macro_f1", VERMILION, "on the images of the selection"),
        ("macro_f1_held_out", BLUE, "on images held out"),
    ):
        values = steps[column].to_numpy(float)
        axes.plot(steps[name], values, color=colour, marker=".", linewidth=1.1, label=label)
        axes.plot(steps[name].iloc[kept], values[kept], color=colour, marker="*", markersize=12, linestyle="")
    axes.plot([], [], color=FAINT, marker="*", markersize=10, linestyle="", label="picks kept")
