"""Results of a store as rows of results.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.analysis.leaderboard import Leaderboard
from bench.analysis.prices import Prices, joint_charge, training_charge
from bench.ensemble_runs.candidates import HELD_OUT
from bench.ensemble_runs.ties import RESAMPLES, Compared
from bench.store.configuration import Configuration, key_of, recipe_digest
from bench.store.ensemble_result import Combination
from bench.store.result import Failure, Result
from bench.store.store import StoredRun
from ensembles.uncertainty import macro_f1_interval

CSV_SCHEMA = 2  # of results.csv: raised when a column changes its meaning

_IDENTITY = {
    "schema_version",
    "run_id",
    "kind",
    "data",
    "data_fingerprint",
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


def report_rows(board: Leaderboard, failures: Sequence[Failure], prices: Prices) -> list[dict[str, Any]]:
    """One row per run, ensemble and failed attempt, with columns of `bench.report.frame.inputs.COLUMNS`.

    Args:
        board: all results of one data set.
        failures: its failed attempts.
        prices: of devices.
    """
    ties, ensemble_ties = board.ties(), board.ensemble_ties()
    compared = {**board.compared, **board.compared_ensembles}
    several = [(one.run_ids, _mean(one)) for one in (*board.ranked, *board.floor) if len(one.runs) > 1]
    floor = {run_id for one in board.floor for run_id in one.run_ids}
    means = {run_id: mean for run_ids, mean in several for run_id in run_ids}
    rows = [
        run_row(run, board.known)
        | {
            "not_compared": board.apart.get(run.run_id),
            "random_floor": run.run_id in floor if run.result.combination is None else None,
            "indistinguishable_from_best": ties.get(run.run_id),
            "indistinguishable_from_best_ensemble": ensemble_ties.get(run.run_id),
            "superseded": run.run_id in board.superseded if run.result.combination else None,
            "other_candidates": run.run_id in board.others if run.result.combination else None,
            "cost_usd": training_charge(run.result, board.known, prices).usd,
        }
        | _behind(compared.get(run.run_id))
        | means.get(run.run_id, {})
        for run in board.runs
    ]
    return [row | {"csv_schema_version": CSV_SCHEMA} for row in rows + [failure_row(failure) for failure in failures]]


def run_row(run: StoredRun, known: Mapping[str, Result]) -> dict[str, Any]:
    """One finished run or ensemble."""
    result, versions = run.result, run.environment.get("versions", {})
    row = result.model_dump(include=_IDENTITY) | {"recipe": recipe_label(result), "status": "ok"}
    row |= result.metrics.model_dump() | result.cost.model_dump() | result.setup.model_dump()
    row |= {
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "recipe_digest": recipe_digest(run),
    }
    if result.combination is not None:
        return row | _combination_row(run, result.combination, known)
    return row | {"configuration": key_of(run), "start_up_seconds": result.cost.start_up_seconds}


def recipe_label(result: Result | Failure) -> str | None:
    """The recipe, with the scale of its learning rates unless 1: runs at another scale are never averaged with it."""
    scale = result.lr_scale
    return result.recipe if scale in (None, 1.0) else f"{result.recipe} lr x{scale:g}"


def failure_row(failure: Failure) -> dict[str, Any]:
    """One failed attempt."""
    row = failure.model_dump(exclude={"kind", "reason", "seconds", "log_tail", "when"})
    row |= {"recipe": recipe_label(failure), "kind": "run", "status": "failed"}
    return row | {"failure_kind": failure.kind, "failure_reason": failure.reason}


def _behind(compared: Compared | None) -> dict[str, Any]:
    """The row minus the best, with the interval that holds for all comparisons together."""
    if compared is None:
        return {}
    return {
        "difference_to_best": -compared.difference,
        "difference_to_best_low": None if compared.high is None else -compared.high,
        "difference_to_best_high": None if compared.low is None else -compared.low,
        "difference_to_best_p_value": compared.p_value,
        "comparisons_with_best": compared.comparisons,
    }


def _mean(one: Configuration) -> dict[str, float]:
    """Mean macro F1 over seeds, with the interval of that mean."""
    images, found = one.member.images, {"mean_macro_f1": one.macro_f1}
    labels, classes = np.array(images.val_labels), len(images.class_names)
    interval = macro_f1_interval(labels, one.predicted, classes, resamples=RESAMPLES)
    return found | ({"mean_macro_f1_low": interval.low, "mean_macro_f1_high": interval.high} if interval else {})


def ensemble_scores(run: StoredRun) -> dict[str, Any]:
    """Scores of an ensemble on held-out images, and under names that say so, those on the images of the fit."""
    metrics = run.result.metrics
    return _held_out(run, run.combination) | {
        "macro_f1_in_sample": run.combination.fit_score,
        "accuracy_in_sample": metrics.accuracy,
        "log_loss_in_sample": metrics.log_loss,
    }


def _combination_row(run: StoredRun, made: Combination, known: Mapping[str, Result]) -> dict[str, Any]:
    seconds = training_charge(run.result, known).seconds
    return {
        "members": tuple((member.run_id, member.weight) for member in made.members),
        **ensemble_scores(run),
        "best_single_cross_fitted": made.best_single_cross_fitted,
        "gain_over_best_single": made.gain,
        "gain_over_best_single_low": made.gain_low,
        "gain_over_best_single_high": made.gain_high,
        "candidates_train_seconds": joint_charge(made.candidates, known).seconds,
        "members_train_seconds": seconds,
        "train_seconds_steady": seconds,
        "train_seconds_full": None,
        "max_cost_ms": made.max_cost_ms,
    }


def _held_out(run: StoredRun, made: Combination) -> dict[str, Any]:
    """Scores on images outside the fit; of an ensemble of an earlier version, as far as it kept them."""
    bounds = {"low": made.cross_fitted_low, "high": made.cross_fitted_high}
    found: dict[str, Any] = {"macro_f1": made.cross_fitted, "macro_f1_cross_fitted": made.cross_fitted}
    for prefix in ("macro_f1", "macro_f1_cross_fitted"):
        found |= {f"{prefix}_{side}": bound for side, bound in bounds.items()}
    sharp = made.held_out or (made.calibration.before if made.calibration else None)
    accuracy = None
    if HELD_OUT in run.arrays:
        accuracy = float(np.mean(run.arrays[HELD_OUT] == np.array(run.images.val_labels)))
    return found | {
        "accuracy": accuracy,
        "log_loss": sharp.log_loss if sharp else None,
        "brier": sharp.brier if sharp else None,
        "calibration_error": sharp.calibration_error if sharp else None,
    }
