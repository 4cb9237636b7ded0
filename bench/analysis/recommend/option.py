"""One thing that could be taken: a single run, an ensemble, or a cascade."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Predicted = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Option:
    """Its score, its costs, and what it predicts. NaN is what nobody knows.

    Args:
        label: its name in the report.
        run_ids: the run, or several that differ in their seed; of a cascade its stages.
        made_by: the command that makes it, where it is not in the store.
        score: macro F1 on validation; of ensembles and cascades cross-fitted.
        predicted: int (R, N), validation classes by seed or repeat, held out where anything is fitted; None: not kept.
        train_seconds: training in full; of ensembles and cascades that of all candidates.
        train_device_hours: the same, times the devices each ran on.
        usd: the same, in dollars.
        same_device: whether its seconds are of the device that most runs used.
        unusable: why it cannot be taken at any cost; "" where it can.
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
        """Sorts the best first, among equals the cheaper; what is not known is dear."""
        return -self.score, _dear(self.ms_per_image), _dear(self.train_seconds), self.label


def _dear(cost: float) -> float:
    return math.inf if math.isnan(cost) else cost
