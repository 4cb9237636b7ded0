"""The single runs and ensembles of a store as options. Runs that differ in their seed alone are one option."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.prices import Price, Prices, training_usd
from bench.analysis.recommend.option import Option, Predicted
from bench.ensemble_runs.candidates import HELD_OUT, missing_member
from bench.report.frame.configurations import configurations
from bench.report.frame.ranking import Ranking
from bench.store.result import Result
from bench.store.store import Store, StoredRun

# With a dollar an hour for every device, dollars are device-hours.
_DEVICE_HOURS = Prices(
    price=(Price.model_validate({"device": "*", "usd_per_hour": 1, "source": "-", "date": "2026-01-01"}),)
)


def singles(ranking: Ranking, runs: Mapping[str, StoredRun]) -> list[Option]:
    """One for each configuration."""
    found = []
    for _, row in configurations(ranking.runs).iterrows():
        same = ranking.runs["configuration"] == row["configuration"]
        members = [runs[run_id] for run_id in ranking.runs["run_id"][same]]
        found.append(_single(row, members, ranking.usual_device))
    return found


def ensembles(ranking: Ranking, runs: Mapping[str, StoredRun], store: Store) -> list[Option]:
    """One for each that no newer one supersedes."""
    return [
        replace(_ensemble(row, runs, ranking.usual_device), unusable=_unusable(runs[str(row["run_id"])], store))
        for _, row in ranking.ensembles.iterrows()
    ]


def device_hours(results: Sequence[Result], known: Mapping[str, Result]) -> float:
    """Of training, mean over these; NaN where one is not known."""
    hours = [training_usd(result, known, _DEVICE_HOURS) for result in results]
    return float(np.mean([math.nan if one is None else one for one in hours]))


def _single(row: pd.Series, members: Sequence[StoredRun], usual_device: str) -> Option:
    first = sorted(members, key=lambda run: (run.result.seed or 0, run.run_id))
    return Option(
        kind="single",
        label=str(row["label"]),
        run_ids=tuple(run.run_id for run in first),
        predicted=np.stack([run.log_probs("val").argmax(axis=1) for run in first]),
        train_device_hours=device_hours([run.result for run in members], {}),
        family=str(row["family"]),
        image_px=float(row["image_px"]),
        **_common(row, usual_device),
    )


def _ensemble(row: pd.Series, runs: Mapping[str, StoredRun], usual_device: str) -> Option:
    run = runs[str(row["run_id"])]
    return Option(
        kind="ensemble",
        label=str(row["label"]),
        run_ids=(run.run_id,),
        predicted=_held_out(run),
        train_device_hours=device_hours([run.result], {name: one.result for name, one in runs.items()}),
        detail=str(row["members"]),
        **_common(row, usual_device),
    )


def _unusable(ensemble: StoredRun, store: Store) -> str:
    """Member that is no longer as it was combined, as text; empty: none."""
    combination = ensemble.result.combination
    return "" if combination is None else missing_member(store, combination)


def _held_out(run: StoredRun) -> Predicted | None:
    """None of an ensemble of an older version, which kept none."""
    return run.arrays.get(HELD_OUT)


def _common(row: pd.Series, usual_device: str) -> dict[str, Any]:
    return {
        "score": float(row["score"]),
        "low": float(row["score_low"]),
        "high": float(row["score_high"]),
        "train_seconds": float(row["train_seconds"]),
        "usd": float(row["cost_usd"]),
        "ms_per_image": float(row["inference_ms_per_image"]),
        "device": str(row["device"]),
        "same_device": row["device"] in ("", usual_device) or not usual_device,
    }
