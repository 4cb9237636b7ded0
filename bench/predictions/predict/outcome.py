"""The result of the child that classifies, as a file of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.ensemble_runs.candidates import Probs


@dataclass(frozen=True)
class UnreadablePicture:
    """A file that cannot be read: its row, and the reason."""

    row: int
    reason: str


@dataclass(frozen=True)
class NetworkOutputs:
    """Probabilities float32 (M, N, C) of M networks for the N readable pictures, and the unreadable files."""

    probs: Probs
    faults: Sequence[UnreadablePicture]

    def save(self, path: Path) -> None:
        """Writes the file."""
        rows = np.array([fault.row for fault in self.faults], np.int64)
        reasons = np.array([fault.reason for fault in self.faults], np.str_)
        np.savez(path, probs=self.probs, rows=rows, reasons=reasons)

    @classmethod
    def load(cls, path: Path) -> NetworkOutputs:
        """Reads the file."""
        with np.load(path, allow_pickle=False) as found:
            faults = zip(found["rows"].tolist(), found["reasons"].tolist(), strict=True)
            return cls(found["probs"], [UnreadablePicture(row, reason) for row, reason in faults])
