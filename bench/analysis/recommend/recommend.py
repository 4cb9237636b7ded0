"""`bench recommend`: every option of a store, the choice among them, the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.leaderboard import Leaderboard
from bench.analysis.prices import Charge, Prices, joint_charge
from bench.analysis.recommend.cascades import cascades
from bench.analysis.recommend.choice import Budget, Choice, choose
from bench.analysis.recommend.gains import Subjects, members, pixels_or_partner
from bench.analysis.recommend.options import Option, ensembles, known, singles
from bench.analysis.recommend.wording import bounds, left_out, search_sentence, sentences
from bench.analysis.rows import report_rows
from bench.ensemble_runs.candidates import stacked
from bench.ensemble_runs.ties import Marks
from bench.ensemble_runs.workbench import one_thread
from bench.errors import UserError
from bench.report.advice import Advice, write_advice
from bench.report.frame.inputs import ReportInput
from bench.report.frame.points import without_px
from bench.report.frame.ranking import Ranking
from bench.store.selection import runs_of
from bench.store.store import Store

# Single runs whose gains are computed, the best ones: the time grows with the square of their number.
MOST_SINGLES = 24


@dataclass(frozen=True)
class Recommendation:
    """The choice, the options it was made from, and the files written.

    Attributes:
        search: of all single runs that are compared: what finding any of the options cost.
        lines: the answer, a sentence each.
    """

    choice: Choice
    options: Sequence[Option]
    search: Charge
    lines: Sequence[str]
    files: Sequence[Path]


def recommend(store: Store, data: str | None, budget: Budget, prices: Prices, out: Path) -> Recommendation:
    """Chooses, and writes the page, the table of all options and the figure.

    Raises:
        UserError: no finished run, several data sets and none chosen, no run with a valid score, or a folder that
            cannot be written.
    """
    board = Leaderboard(store, runs_of(store, data))
    ranking, marks = _ranking(board, prices), Marks(store)  # in this order: with the differences of the report
    found, together = singles(board, ranking, prices), ensembles(board, ranking, prices)
    if not found and not together:
        raise UserError(f"Every run in '{store.root}' saw validation images, so that no score is valid.")
    options = sorted([*found, *together, *cascades(found, board, prices)], key=lambda option: -option.score)
    images = store.get(options[0].run_ids[0]).images
    choice = choose(options, budget, np.array(images.val_labels), len(images.class_names), marks)
    searched = [run_id for option in found for run_id in option.run_ids]
    search = joint_charge(searched, board.known, prices)
    lines = [*sentences(choice, budget), search_sentence(search, len(searched)), *left_out(board, ranking, options)]
    advice = Advice(
        data=ranking.fact("data"),
        budget=str(budget),
        lines=lines,
        options=pd.DataFrame([_row(option, choice) | _searched(search) for option in options]),
        **_gains(found, board, marks),
    )
    try:
        return Recommendation(choice, options, search, lines, write_advice(advice, out))
    except OSError as error:
        raise UserError(f"Cannot write to '{out}': {error.strerror}. Choose another with --reports.") from None


def _ranking(board: Leaderboard, prices: Prices) -> Ranking:
    """The rows of the report, whose names the options share."""
    data = board.runs[0].result.data
    failures = [failure for failure in board.store.failures() if failure.data == data]
    with one_thread():
        return Ranking.of(ReportInput(rows=pd.DataFrame(report_rows(board, failures, prices))))


def _gains(options: Sequence[Option], board: Leaderboard, marks: Marks) -> Mapping[str, pd.DataFrame]:
    """Tables of the gains of the best comparable candidates."""
    candidates = board.candidates
    places = {name: place for place, name in enumerate(candidates.names)}
    chosen = [option for option in options if option.same_device and option.run_ids[0] in places][:MOST_SINGLES]
    if not chosen:
        return {"pixels": pd.DataFrame(), "members": pd.DataFrame()}
    order = [places[option.run_ids[0]] for option in chosen]
    rows = pd.DataFrame({"label": [one.label for one in chosen], "image_px": [one.image_px for one in chosen]})
    subjects = Subjects(
        options=chosen,
        names=list(without_px(rows)),
        families=[candidates.families[place] for place in order],
        seeds=[stacked(candidates.seeds[place], "val") for place in order],
        labels=candidates.labels,
        pairs=board.pairs,
        marks=marks,
    )
    return {"pixels": pixels_or_partner(subjects), "members": members(subjects)}


def _row(option: Option, choice: Choice) -> dict[str, Any]:
    outcome, reason = _outcome(option, choice)
    return option.as_dict() | {
        "run_ids": ";".join(option.run_ids),
        "outcome": outcome,
        "reason": reason,
        "family": option.family,
        "image_px": option.image_px,
        "comparable": option.same_device and not option.unusable,
    }


def _searched(search: Charge) -> dict[str, float]:
    return {"search_seconds": known(search.seconds), "search_usd": known(search.usd)}


def _outcome(option: Option, choice: Choice) -> tuple[str, str]:
    if option.label in choice.out:
        return "out", "; ".join(choice.out[option.label])
    others = choice.contest.others if choice.contest else ()
    compared = next((other.compared for other in others if other.option is option), None)
    reason = f"best minus this {text}" if compared and (text := bounds(compared)) else ""
    if option is choice.taken:
        return "recommended", reason
    if compared is None:
        return "best", ""
    return ("tied" if compared.tied else "worse"), reason
