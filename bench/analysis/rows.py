"""Results of a store as rows of results.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.prices import Prices, training_usd
from bench.store.ensemble_result import Combination
from bench.store.result import Failure, Result
from bench.store.selection import superseded

_IDENTITY = {
    "schema_version",
    "run_id",
    "kind",
    "data",
    "backbone",
    "family",
    "image_px",
    "lr_scale",
    "seed",
    "weights",
    "weights_seed",
    "plugin",
    "added",
}


def report_rows(
    results: Sequence[Result], failures: Sequence[Failure], ties: Mapping[str, Mapping[str, bool]], prices: Prices
) -> list[dict[str, Any]]:
    """One row per run, ensemble and failed attempt, with columns of `bench.report.frame.inputs.COLUMNS`.

    Args:
        results: all results of one data set.
        failures: its failed attempts.
        ties: column -> run_id -> whether the result cannot be told apart from the best one.
        prices: of devices.
    """
    older, known = superseded(results), {result.run_id: result for result in results}
    rows = [
        result_row(result)
        | {column: alike.get(result.run_id) for column, alike in ties.items()}
        | {
            "superseded": result.run_id in older if result.combination else None,
            "cost_usd": training_usd(result, known, prices),
        }
        for result in results
    ]
    return rows + [failure_row(failure) for failure in failures]


def result_row(result: Result) -> dict[str, Any]:
    """One finished run or ensemble."""
    row = result.model_dump(include=_IDENTITY) | {"recipe": recipe_label(result), "status": "ok"}
    row |= result.metrics.model_dump() | result.cost.model_dump() | result.setup.model_dump()
    return row | (_combination_row(result.combination) if result.combination else {})


def recipe_label(result: Result | Failure) -> str | None:
    """The recipe, with the scale of its learning rates unless 1: runs at another scale are never averaged with it."""
    scale = result.lr_scale
    return result.recipe if scale in (None, 1.0) else f"{result.recipe} lr x{scale:g}"


def failure_row(failure: Failure) -> dict[str, Any]:
    """One failed attempt."""
    row = failure.model_dump(exclude={"kind", "reason", "seconds", "log_tail", "when"})
    row |= {"recipe": recipe_label(failure), "kind": "run", "status": "failed"}
    return row | {"failure_kind": failure.kind, "failure_reason": failure.reason}


def _combination_row(combination: Combination) -> dict[str, Any]:
    return {
        "members": tuple((member.run_id, member.weight) for member in combination.members),
        "macro_f1_cross_fitted_low": combination.cross_fitted_low,
        "macro_f1_cross_fitted_high": combination.cross_fitted_high,
        "best_single_cross_fitted": combination.best_single_cross_fitted,
        "gain_over_best_single": combination.gain,
        "gain_over_best_single_low": combination.gain_low,
        "gain_over_best_single_high": combination.gain_high,
        "candidates_train_seconds": combination.candidates_train_seconds,
        "members_train_seconds": combination.members_train_seconds,
        "max_cost_ms": combination.max_cost_ms,
    }
