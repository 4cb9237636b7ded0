"""From the store to the report: the rows, curves and schedules of one data set, handed over as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analysis.leaderboard import Leaderboard
from bench.analysis.prices import NO_PRICES, Prices
from bench.analysis.recipes import schedule_frame, trained_recipes
from bench.analysis.rows import report_rows
from bench.ensemble_runs.candidates import member_states
from bench.ensemble_runs.workbench import one_thread
from bench.errors import UserError
from bench.files import write_text
from bench.matrix.reproduce import commands
from bench.report.build import answer, build, results_table
from bench.report.frame.inputs import Combination, ReportInput
from bench.store.selection import runs_of
from bench.store.store import Store, StoredRun

BEGIN, END = "<!-- results -->", "<!-- /results -->"


def publish(store: Store, data: str | None, out: Path, prices: Prices = NO_PRICES) -> Path:
    """Rebuilds the report of one data set. Returns its page.

    Raises:
        UserError: no run to report, or a damaged one.
    """
    inputs = report_input(store, data, prices)
    several = len({run.result.data for run in store.runs()}) > 1
    try:
        return build(inputs, out, shared_data=several)
    except OSError as error:
        raise UserError(
            f"Cannot write the report to '{out}': {error.strerror}. Choose another with --reports."
        ) from None


def verdict(store: Store, data: str | None) -> str:
    """The answer of the report, for a terminal."""
    return answer(report_input(store, data))


def report_input(store: Store, data: str | None, prices: Prices = NO_PRICES) -> ReportInput:
    """Everything the report says, from the store alone."""
    failures = store.failures()
    runs = runs_of(store, data) if store.run_ids() or not failures else []
    name = runs[0].result.data if runs else data or failures[0].data
    failures = [failure for failure in failures if failure.data == name]
    recipes, board = trained_recipes(runs), Leaderboard(store, runs)
    with one_thread():
        rows, pairs, pretraining = report_rows(board, failures, prices), board.pairs, _pretraining(board)
    return ReportInput(
        rows=pd.DataFrame(rows),
        histories={run.run_id: run.history for run in runs if run.history is not None},
        schedules={label: schedule_frame(recipe) for label, recipe in recipes.items()},
        failures=[
            failure.model_dump(include={"run_id", "kind", "reason", "seconds"}) | {"log": failure.log_tail}
            for failure in failures
        ],
        recipes={label: recipe.description for label, recipe in recipes.items()},
        about=_about(board, name) | _prices(runs, prices),
        combinations=_combinations(runs, store),
        pairs=pairs,
        pretraining=pretraining,
    )


def _about(board: Leaderboard, data: str) -> dict[str, str]:
    """Facts of the newest run; rows that differ from it are marked in the table."""
    runs = board.runs
    trained = [run for run in runs if run.result.recipe]
    if not trained:
        return {"data set": data}
    newest = max(trained, key=lambda run: run.result.finished)
    versions = ", ".join(f"{name} {number}" for name, number in newest.environment["versions"].items())
    return {
        "data set": data,
        "device": newest.result.setup.device,
        "cores": str(newest.result.setup.cores),
        "system": newest.environment["system"],
        "versions": versions,
        "code revision": newest.result.setup.code_revision,
        "newest run": max(run.result.finished for run in runs),
        "command": commands(runs, data, board.candidates.names),
    }


def _pretraining(board: Leaderboard) -> dict[str, Any]:
    """Its worth, as the report reads it; empty if unknown."""
    found = board.pretraining
    if found is None:
        return {}
    compared = found.compared
    low, high = (math.nan if bound is None else bound for bound in (compared.low, compared.high))
    keys = {"best": found.best.key, "floor": found.floor.key}
    return keys | {"difference": compared.difference, "low": low, "high": high}


def _prices(runs: Sequence[StoredRun], prices: Prices) -> dict[str, str]:
    """The prices behind the dollars, if any."""
    used = prices.described({run.result.setup.device for run in runs if run.result.kind == "run"})
    return {"prices": used} if used else {}


def _combinations(runs: Sequence[StoredRun], store: Store) -> dict[str, Combination]:
    """Of every ensemble, its combination and the state of its members."""
    made = {run.run_id: run.result.combination for run in runs if run.result.combination}
    return {
        run_id: combination.model_dump(mode="json") | {"states": member_states(store, combination)}
        for run_id, combination in made.items()
    }


def embed_table(store: Store, data: str | None, page: Path, prices: Prices = NO_PRICES) -> None:
    """Puts the results table between the markers `<!-- results -->` and `<!-- /results -->` of a markdown page.

    Raises:
        UserError: the page is missing, or has no such markers.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot read '{page}': {error.strerror}.") from None
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise UserError(f"'{page}' needs the markers {BEGIN} and {END}, once each and in this order.")
    before, rest = text.split(BEGIN)
    write_text(page, f"{before}{BEGIN}\n{results_table(report_input(store, data, prices))}\n{END}{rest.split(END)[1]}")
