"""Options of a recommendation: the configurations and ensembles of a board."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from bench.analysis.leaderboard import Leaderboard
from bench.analysis.prices import Charge, Prices, training_charge
from bench.ensemble_runs.candidates import HELD_OUT, missing_member, total
from bench.ensemble_runs.ties import Contestant, configuration_contestant, ensemble_contestant
from bench.report.frame.inputs import members_text
from bench.report.frame.ranking import Ranking
from bench.store.configuration import Configuration
from bench.store.store import StoredRun

_NOTHING_HELD_OUT = "an earlier version kept no held-out predictions of it; remove it and make it again"


@dataclass(frozen=True, eq=False)
class Option:
    """A single run, an ensemble, or a cascade: its score, costs and predictions. Unknown numbers are NaN.

    Args:
        label: its name in the report.
        run_ids: the run, or several that differ in their seed; of a cascade its stages.
        made_by: the command that makes it, if it is not in the store.
        score: macro F1 on validation, mean over seeds; of ensembles and cascades cross-fitted.
        contestant: its predictions as they are compared; None: not kept.
        charge: of training it again: itself (mean over seeds), its members, or its stages.
        same_device: whether its seconds were measured on the device of most runs.
        unusable: the reason why it cannot be used at any cost, or "".
    """

    label: str
    kind: Literal["single", "ensemble", "cascade"]
    run_ids: tuple[str, ...]
    score: float
    low: float
    high: float
    contestant: Contestant | None
    charge: Charge
    ms_per_image: float
    device: str
    same_device: bool
    family: str = ""
    image_px: float = math.nan
    detail: str = ""
    made_by: str = ""
    unusable: str = ""

    @property
    def train_seconds(self) -> float:
        """Steady seconds of training it again."""
        return known(self.charge.seconds)

    @property
    def train_device_hours(self) -> float:
        """The same, times the devices of each run."""
        return known(self.charge.device_hours)

    @property
    def usd(self) -> float:
        """The same, in dollars."""
        return known(self.charge.usd)

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


def singles(board: Leaderboard, ranking: Ranking, prices: Prices) -> list[Option]:
    """One option for each configuration that is compared, best first as in the report."""
    rows = {row["configuration"]: row for _, row in ranking.configurations.iterrows()}
    return [_single(one, rows[one.key], board, ranking, prices) for one in board.ranked]


def ensembles(board: Leaderboard, ranking: Ranking, prices: Prices) -> list[Option]:
    """One option for each current ensemble of all candidates, and for those with a member that is gone: unusable."""
    stored = [*board.ensembles, *_broken(board)]
    found = [_ensemble(run, board, ranking, prices) for run in stored]
    return sorted(found, key=lambda option: (-option.score, option.run_ids))


def known(number: float | None) -> float:
    """A number, NaN for None."""
    return math.nan if number is None else number


def _broken(board: Leaderboard) -> list[StoredRun]:
    """Current ensembles that lost a member, and with it a candidate."""
    current = board.others - board.superseded - set(board.apart)
    others = [run for run in board.runs if run.run_id in current]
    return [run for run in others if missing_member(board.store, run.combination)]


def _single(one: Configuration, row: pd.Series, board: Leaderboard, ranking: Ranking, prices: Prices) -> Option:
    charges = [training_charge(run.result, board.known, prices) for run in one.runs]
    mean = Charge(
        _mean(charge.seconds for charge in charges),
        _mean(charge.device_hours for charge in charges),
        _mean(charge.usd for charge in charges),
    )
    return Option(
        label=str(row["label"]),
        kind="single",
        run_ids=one.run_ids,
        score=one.macro_f1,
        low=float(row["score_low"]),
        high=float(row["score_high"]),
        contestant=configuration_contestant(one),
        charge=mean,
        ms_per_image=known(_mean(run.result.cost.inference_ms_per_image for run in one.runs)),
        family=str(row["family"]),
        image_px=float(row["image_px"]),
        device=str(row["device"]),
        same_device=_is_usual(str(row["device"]), ranking),
    )


def _ensemble(run: StoredRun, board: Leaderboard, ranking: Ranking, prices: Prices) -> Option:
    made, result = run.combination, run.result
    kept = HELD_OUT in run.arrays
    return Option(
        label=ranking.labels[run.run_id],
        kind="ensemble",
        run_ids=(run.run_id,),
        score=made.cross_fitted,
        low=known(made.cross_fitted_low),
        high=known(made.cross_fitted_high),
        contestant=ensemble_contestant(run) if kept else None,
        charge=training_charge(result, board.known, prices),
        ms_per_image=known(result.cost.inference_ms_per_image),
        detail=members_text([(member.run_id, member.weight) for member in made.members]),
        unusable=missing_member(board.store, made) or ("" if kept else _NOTHING_HELD_OUT),
        device=result.setup.device,
        same_device=_is_usual(result.setup.device, ranking),
    )


def _is_usual(device: str, ranking: Ranking) -> bool:
    return device in ("", ranking.usual_device) or not ranking.usual_device


def _mean(numbers: Iterable[float | None]) -> float | None:
    """The mean over seeds; None if one is not known."""
    every: Sequence[float | None] = list(numbers)
    summed = total(every)
    return None if summed is None else summed / len(every)
