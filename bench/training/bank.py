"""The bank: pooled features of a frozen backbone over a split, on disk, content-addressed, shared by recipes and seeds.

A frozen backbone returns the same features every epoch. One forward pass over each image (and each mirrored image,
where the recipe flips) is therefore all that the backbone is ever asked for.
"""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.config import content_hash
from bench.files import path_safe, write_json

View = Literal["plain", "flipped", "turned1", "flipped1", "turned2", "flipped2", "turned3", "flipped3"]
# The order is that of `augment.view_of`: odd ones flipped left to right, then turned by so many quarters.
VIEWS: tuple[View, ...] = (
    "plain",
    "flipped",
    "turned1",
    "flipped1",
    "turned2",
    "flipped2",
    "turned3",
    "flipped3",
)
LAYOUT = 1  # of a bank; part of its key, so that an older one is not found rather than misread


@dataclass(frozen=True)
class BankKey:
    """All that a bank's numbers depend on."""

    data_fingerprint: str
    backbone: str
    image_px: int
    weights: str
    weights_seed: int
    split: str
    view: View
    plugin: str | None = None  # where the backbone comes from, if not from here

    @property
    def folder_name(self) -> str:
        """Readable, with a hash that is the identity."""
        digest = content_hash({"layout": LAYOUT, **without_none(self)})
        return f"{path_safe(self.backbone)}-{self.image_px}-{self.split}-{self.view}-{digest[:16]}"


@dataclass(frozen=True)
class BankTiming:
    """What the extraction took, kept beside the features because every run that uses them is charged for it."""

    images: int
    batch: int
    seconds: float  # of this split and view, without start-up
    startup_seconds: float  # of the whole pass: tracing, first-call overhead, re-estimated statistics
    ms_per_image: float  # median over the batches after the first
    gflops_per_image: float
    backbone_parameters: int


@dataclass(frozen=True)
class Bank:
    """One split, one view: mean and variance over positions, float32 (N, F), memory-mapped."""

    mean: np.ndarray
    variance: np.ndarray
    timing: BankTiming


def without_none(key: Any) -> dict[str, Any]:
    """A key as it is hashed: a field added later changes no old name."""
    return {name: value for name, value in asdict(key).items() if value is not None}


class BankFolder:
    """The folder of banks of a store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def load(self, key: BankKey) -> Bank | None:
        """A saved bank, or None. A bank is whole or absent: it is renamed into place."""
        folder = self.root / key.folder_name
        if not (folder / "bank.json").is_file():
            return None
        timing = BankTiming(**json.loads((folder / "bank.json").read_text())["timing"])
        mean, variance = (
            np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("mean", "variance")
        )
        return Bank(mean, variance, timing)

    def save(self, key: BankKey, bank: Bank) -> None:
        """Writes a bank under a temporary name and renames it. One that is there already stays."""
        temporary = self.root / f".{key.folder_name}-{uuid.uuid4().hex[:8]}"
        temporary.mkdir(parents=True)
        try:
            np.save(temporary / "mean.npy", bank.mean, allow_pickle=False)
            np.save(temporary / "variance.npy", bank.variance, allow_pickle=False)
            write_json(temporary / "bank.json", {"key": asdict(key), "timing": asdict(bank.timing)})
            if not (self.root / key.folder_name).exists():
                temporary.rename(self.root / key.folder_name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
