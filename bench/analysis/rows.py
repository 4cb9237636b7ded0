"""Results as rows of results.csv."""

from __future__ import annotations

from typing import Any

from bench.store.ensemble_result import Combination
from bench.store.result import Failure, Result


def result_row(result: Result) -> dict[str, Any]:
    """One finished run or ensemble."""
    about = result.model_dump(
        include={
            "schema_version",
            "run_id",
            "kind",
            "data",
            "backbone",
            "family",
            "image_px",
            "recipe",
            "lr_scale",
            "seed",
            "weights",
            "plugin",
            "added",
        }
    )
    row = about | {"recipe": recipe_label(result), "weights_seed": result.weights_seed, "status": "ok"}
    row |= result.metrics.model_dump() | result.cost.model_dump() | result.setup.model_dump()
    return row | (_combination_row(result.combination) if result.combination else {})


def recipe_label(result: Result | Failure) -> str | None:
    """The recipe, with the scale of its rates where they were scaled: never to be averaged with the recipe as it is."""
    scale = result.lr_scale
    return result.recipe if scale in (None, 1.0) else f"{result.recipe} lr x{scale:g}"


def failure_row(failure: Failure) -> dict[str, Any]:
    """One failed attempt."""
    row = failure.model_dump(exclude={"kind", "reason", "seconds", "log_tail", "when"})
    row |= {"recipe": recipe_label(failure), "kind": "run", "status": "failed"}
    return row | {"failure_kind": failure.kind, "failure_reason": failure.reason}


def members_text(combination: Combination) -> str:
    """`a;b`, or `a*0.25;b*0.75` where weights differ."""
    members = combination.members
    equal = len({round(member.weight, 6) for member in members}) <= 1
    return ";".join(member.run_id if equal else f"{member.run_id}*{member.weight:.4g}" for member in members)


def _combination_row(combination: Combination) -> dict[str, Any]:
    return {
        "members": members_text(combination),
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
