"""`bench recommend`: every option of a store, the choice among them, the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.prices import Prices
from bench.analysis.publish import report_input
from bench.analysis.recommend.cascades import cascades
from bench.analysis.recommend.choice import Budget, Choice, choose
from bench.analysis.recommend.gains import members, pixels_or_partner
from bench.analysis.recommend.options import Option, ensembles, singles
from bench.analysis.recommend.wording import sentences
from bench.ensemble_runs.candidates import stacked
from bench.errors import UserError
from bench.report.advice import Advice, write_advice
from bench.report.frame.points import without_px
from bench.report.frame.ranking import Ranking
from bench.store.selection import check_same_images, runs_of
from bench.store.store import Store, StoredRun

# Single runs whose gains are computed, the best ones: the time grows with the square of their number.
MOST_SINGLES = 24


@dataclass(frozen=True)
class Recommendation:
    """The choice, the options it was made from, and the files written."""

    choice: Choice
    options: Sequence[Option]
    files: Sequence[Path]


def recommend(store: Store, data: str | None, budget: Budget, prices: Prices, out: Path) -> Recommendation:
    """Chooses, and writes the page, the table of all options and the figure.

    Raises:
        UserError: no finished run, several data sets and none chosen, runs of different images, or a folder that
            cannot be written.
    """
    runs = {run.run_id: run for run in runs_of(store, data)}
    ranking = Ranking.of(report_input(store, data, prices))
    found = singles(ranking, runs)
    firsts = [runs[single.run_ids[0]] for single in found]
    together = ensembles(ranking, runs, store)
    compared = [runs[run_id] for option in (*found, *together) for run_id in option.run_ids]
    if not compared:
        raise UserError(f"Every run in '{store.root}' saw validation images, so that no score is valid.")
    check_same_images(compared)
    images = compared[0].images
    labels = np.array(images.val_labels)
    options = sorted([*found, *together, *cascades(found, firsts)], key=lambda option: option.place)
    choice = choose(options, budget, labels, len(images.class_names))
    advice = Advice(
        data=ranking.fact("data"),
        budget=str(budget),
        lines=sentences(choice, budget),
        options=pd.DataFrame([_row(option, choice) for option in options]),
        **_gains(found, firsts),
    )
    try:
        return Recommendation(choice, options, write_advice(advice, out))
    except OSError as error:
        raise UserError(f"Cannot write to '{out}': {error.strerror}. Choose another with --reports.") from None


def _gains(options: Sequence[Option], firsts: Sequence[StoredRun]) -> Mapping[str, pd.DataFrame]:
    """Tables of the gains of the best comparable runs."""
    places = [place for place, option in enumerate(options) if option.same_device][:MOST_SINGLES]
    if not places:
        return {"pixels": pd.DataFrame(), "members": pd.DataFrame()}
    chosen, runs = [options[place] for place in places], [firsts[place] for place in places]
    probs, labels = stacked(runs, "val"), np.array(runs[0].images.val_labels)
    rows = pd.DataFrame({"label": [one.label for one in chosen], "image_px": [one.image_px for one in chosen]})
    families = [one.family or one.label for one in chosen]
    return {
        "pixels": pixels_or_partner(chosen, list(without_px(rows)), probs, labels),
        "members": members(chosen, families, probs, labels),
    }


def _row(option: Option, choice: Choice) -> dict[str, Any]:
    outcome, reason = _outcome(option, choice)
    return option.as_dict() | {
        "run_ids": ";".join(option.run_ids),
        "outcome": outcome,
        "reason": reason,
        "family": option.family,
        "image_px": option.image_px,
        "comparable": option.same_device,
    }


def _outcome(option: Option, choice: Choice) -> tuple[str, str]:
    if option.label in choice.out:
        return "out", "; ".join(choice.out[option.label])
    if option is choice.best:
        return "recommended", ""
    other = next(one for one in choice.others if one.option is option)
    bounds = "" if math.isnan(other.low) else f"best minus this {other.low:+.3f} to {other.high:+.3f}"
    return ("tied" if other.tied else "worse"), bounds
