"""Options of a recommendation: the single runs and ensembles of a store. Seeds of a configuration are one option."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.analysis.prices import SECONDS_PER_HOUR, device_seconds
from bench.ensemble_runs.candidates import HELD_OUT, missing_member
from bench.report.frame.inputs import members_text
from bench.report.frame.ranking import Ranking
from bench.store.result import Result
from bench.store.store import Store, StoredRun

Predicted = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Option:
    """A single run, an ensemble, or a cascade: its score, costs and predictions. Unknown numbers are NaN.

    Args:
        label: its name in the report.
        run_ids: the run, or several that differ in their seed; of a cascade its stages.
        made_by: the command that makes it, if it is not in the store.
        score: macro F1 on validation; of ensembles and cascades cross-fitted.
        predicted: int (R, N), validation classes by seed or repeat, held out if anything was fitted; None: not kept.
        train_seconds: training in full; of ensembles and cascades that of all candidates.
        train_device_hours: the same, times the devices of each run.
        usd: the same, in dollars.
        same_device: whether its seconds were measured on the device of most runs.
        unusable: the reason why it cannot be used at any cost, or "".
    """

    label: str
    kind: Literal["single", "ensemble", "cascade"]
    run_ids: tuple[str, ...]
    score: float
    low: float
    high: float
    predicted: Predicted | None
    train_seconds: float
    train_device_hours: float
    usd: float
    ms_per_image: float
    device: str
    same_device: bool
    family: str = ""
    image_px: float = math.nan
    detail: str = ""
    made_by: str = ""
    unusable: str = ""

    @property
    def place(self) -> tuple[float, float, float, str]:
        """Sort key: the best first, among equals the cheaper; an unknown cost is the highest."""
        milliseconds, seconds = (
            math.inf if math.isnan(cost) else cost for cost in (self.ms_per_image, self.train_seconds)
        )
        return -self.score, milliseconds, seconds, self.label

    def as_dict(self) -> dict[str, Any]:
        """Its names, scores and costs, under the column names of pareto.csv."""
        return {
            "option": self.label,
            "kind": self.kind,
            "run_ids": self.run_ids,
            "members": self.detail,
            "made_by": self.made_by,
            "macro_f1": self.score,
            "macro_f1_low": self.low,
            "macro_f1_high": self.high,
            "train_seconds": self.train_seconds,
            "train_device_hours": self.train_device_hours,
            "cost_usd": self.usd,
            "ms_per_image": self.ms_per_image,
            "device": self.device,
        }


def singles(ranking: Ranking, runs: Mapping[str, StoredRun]) -> list[Option]:
    """One option for each configuration."""
    seeds = {name: list(group) for name, group in ranking.runs.groupby("configuration")["run_id"]}
    return [
        _single(row, [runs[run_id] for run_id in seeds[row["configuration"]]], ranking.usual_device)
        for _, row in ranking.configurations.iterrows()
    ]


def ensembles(ranking: Ranking, runs: Mapping[str, StoredRun], store: Store) -> list[Option]:
    """One option for each ensemble that is not superseded."""
    known = {run_id: run.result for run_id, run in runs.items()}
    return [
        _ensemble(row, runs[row["run_id"]], known, store, ranking.usual_device)
        for _, row in ranking.ensembles.iterrows()
    ]


def _single(row: pd.Series, members: Sequence[StoredRun], usual_device: str) -> Option:
    ordered = sorted(members, key=lambda run: (run.result.seed or 0, run.run_id))
    return Option(
        kind="single",
        run_ids=tuple(run.run_id for run in ordered),
        predicted=np.stack([run.log_probs("val").argmax(axis=1) for run in ordered]),
        train_device_hours=float(np.mean([_device_hours(run.result, {}) for run in members])),
        family=str(row["family"]),
        image_px=float(row["image_px"]),
        **_common(row, usual_device),
    )


def _ensemble(row: pd.Series, run: StoredRun, known: Mapping[str, Result], store: Store, usual_device: str) -> Option:
    combination = run.result.combination
    return Option(
        kind="ensemble",
        run_ids=(run.run_id,),
        predicted=run.arrays.get(HELD_OUT),  # not kept by older versions
        train_device_hours=_device_hours(run.result, known),
        detail=members_text(row["members"]),
        unusable="" if combination is None else missing_member(store, combination),
        **_common(row, usual_device),
    )


def _device_hours(result: Result, known: Mapping[str, Result]) -> float:
    seconds = device_seconds(result, known)
    return math.nan if seconds is None else sum(seconds.values()) / SECONDS_PER_HOUR


def _common(row: pd.Series, usual_device: str) -> dict[str, Any]:
    return {
        "label": str(row["label"]),
        "score": float(row["score"]),
        "low": float(row["score_low"]),
        "high": float(row["score_high"]),
        "train_seconds": float(row["train_seconds"]),
        "usd": float(row["cost_usd"]),
        "ms_per_image": float(row["inference_ms_per_image"]),
        "device": str(row["device"]),
        "same_device": row["device"] in ("", usual_device) or not usual_device,
    }
