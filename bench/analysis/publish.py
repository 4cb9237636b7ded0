"""From the store to the report: rows, curves and schedules of one data set, handed over as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analysis.describe import schedule_frame
from bench.analysis.prices import NO_PRICES, Prices, training_usd
from bench.analysis.rows import failure_row, recipe_label, result_row
from bench.config.recipe import Recipe
from bench.ensemble_runs.candidates import member_states
from bench.ensemble_runs.ties import Marks, alike_ensembles, indistinguishable
from bench.ensemble_runs.workbench import one_thread
from bench.errors import UserError
from bench.files import write_text
from bench.matrix.reproduce import commands
from bench.report.build import build, results_table
from bench.report.frame.inputs import ReportInput
from bench.store.result import Failure, Result
from bench.store.selection import runs_of, superseded
from bench.store.store import Store, StoredRun


def publish(store: Store, data: str | None, out: Path, prices: Prices = NO_PRICES) -> Path:
    """Rebuilds the report of one data set. Returns its page.

    Raises:
        UserError: nothing to report, or a damaged run.
    """
    found = report_input(store, data, prices)
    several = len({run.result.data for run in store.runs()}) > 1
    try:
        return build(found, out, shared_data=several)
    except OSError as error:
        raise UserError(
            f"Cannot write the report to '{out}': {error.strerror}. Choose another with --reports."
        ) from None


def report_input(store: Store, data: str | None, prices: Prices = NO_PRICES) -> ReportInput:
    """Everything the report says, from the store alone."""
    failures = store.failures()
    runs = runs_of(store, data) if store.run_ids() or not failures else []
    name = runs[0].result.data if runs else data or failures[0].data
    failures = [failure for failure in failures if failure.data == name]
    results = [run.result for run in runs]
    return ReportInput(
        rows=_rows(runs, failures, prices, Marks(store)),
        histories={run.run_id: run.history for run in runs if run.history is not None},
        schedules={name: schedule_frame(recipe) for name, recipe in _recipes(runs).items()},
        failures=[_failure(failure) for failure in failures],
        recipes={name: recipe.description for name, recipe in _recipes(runs).items()},
        about=_about(runs, results, name) | _prices(results, prices),
        combinations={
            result.run_id: result.combination.model_dump(mode="json")
            | {"states": member_states(store, result.combination)}
            for result in results
            if result.combination
        },
    )


def _rows(runs: Sequence[StoredRun], failures: Sequence[Failure], prices: Prices, marks: Marks) -> pd.DataFrame:
    older = superseded(run.result for run in runs)
    with one_thread():
        alike = indistinguishable(runs, marks)
        alike_best = alike_ensembles([run for run in runs if run.result.combination and run.run_id not in older], marks)
    known = {run.run_id: run.result for run in runs}
    rows = [
        result_row(run.result)
        | {
            "superseded": run.run_id in older if run.result.combination else None,
            "indistinguishable_from_best": alike.get(run.run_id),
            "indistinguishable_from_best_ensemble": alike_best.get(run.run_id),
            "cost_usd": training_usd(run.result, known, prices),
        }
        for run in runs
    ]
    return pd.DataFrame(rows + [failure_row(failure) for failure in failures])


def _recipes(runs: Sequence[StoredRun]) -> dict[str, Recipe]:
    return {label: _as_trained(run) for run in runs if (label := recipe_label(run.result))}


def _as_trained(run: StoredRun) -> Recipe:
    """The recipe with the rates of this run."""
    recipe, scale = Recipe.model_validate(run.config["recipe"]), run.result.lr_scale or 1.0
    schedule = recipe.schedule.scaled(scale, run.result.setup.replicas)
    text = recipe.description if scale == 1.0 else f"{recipe.description}; every learning rate times {scale:g}"
    return recipe.model_copy(update={"schedule": schedule, "description": text})


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "run_id": failure.run_id,
        "kind": failure.kind,
        "reason": failure.reason,
        "log": failure.log_tail,
        "seconds": failure.seconds,
    }


def _about(runs: Sequence[StoredRun], results: Sequence[Result], data: str) -> dict[str, str]:
    """Facts of the newest run; rows that differ from it are marked in the table."""
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
        "newest run": max(result.finished for result in results),
        "command": commands(runs, data),
    }


def _prices(results: Sequence[Result], prices: Prices) -> dict[str, str]:
    """The prices behind the dollars, where there are any."""
    used = prices.described({result.setup.device for result in results if result.kind == "run"})
    return {"prices": used} if used else {}


BEGIN, END = "<!-- results -->", "<!-- /results -->"


def embed_table(store: Store, data: str | None, page: Path, prices: Prices = NO_PRICES) -> None:
    """Puts the results table between the markers `<!-- results -->` and `<!-- /results -->` of a markdown page.

    Raises:
        UserError: the page is not there, or has no such markers.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot read '{page}': {error.strerror}.") from None
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise UserError(f"'{page}' needs the markers {BEGIN} and {END}, once each and in this order.")
    before, rest = text.split(BEGIN)
    write_text(page, f"{before}{BEGIN}\n{results_table(report_input(store, data, prices))}\n{END}{rest.split(END)[1]}")
