"""What the child that classifies hands back, as a file of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.ensemble_runs.candidates import Probs


@dataclass(frozen=True)
class UnreadablePicture:
    """A file that is no picture: its row, and why."""

    row: int
    reason: str


@dataclass(frozen=True)
class NetworkOutputs:
    """Probabilities float32 (M, N, C) of M networks for the N pictures that can be read, and the files that cannot."""

    probs: Probs
    faults: Sequence[UnreadablePicture]

    def save(self, path: Path) -> None:
        """Writes it."""
        rows = np.array([fault.row for fault in self.faults], np.int64)
        reasons = np.array([fault.reason for fault in self.faults], np.str_)
        np.savez(path, probs=self.probs, rows=rows, reasons=reasons)

    @classmethod
    def load(cls, path: Path) -> NetworkOutputs:
        """Reads it back."""
        with np.load(path, allow_pickle=False) as found:
            faults = zip(found["rows"].tolist(), found["reasons"].tolist(), strict=True)
            return cls(found["probs"], [UnreadablePicture(row, reason) for row, reason in faults])
