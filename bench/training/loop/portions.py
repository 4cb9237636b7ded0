"""Portions of a step's images, one for each replica. Every image of an epoch is in exactly one of them, once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Portion:
    """One replica's share of a step's images.

    Attributes:
        rows: int64 (b,), b of at least 1.
        weights: float32 (b,): 1, or 0 for a copy that keeps a replica busy if the step has too few images.
        present: images of the whole step, over all replicas.
    """

    rows: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    present: int


def step_count(images: int, global_batch: int) -> int:
    """Steps of an epoch; the last one may have fewer images."""
    return -(-images // global_batch)


def portions(rows: npt.NDArray[np.int64], replicas: int) -> list[Portion]:
    """The portion of each replica in a step over these images, int64 (n,).

    A step with fewer images than replicas would leave some without any, and an empty batch makes NaN of BatchNorm's
    statistics. Those replicas get copies of the step's images, which count for nothing: gradients and scores leave them
    out, and their BatchNorm sees the images of the others.
    """
    return [_portion(part, rows, replica) for replica, part in enumerate(np.array_split(rows, replicas))]


def _portion(part: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], replica: int) -> Portion:
    if len(part):
        return Portion(part, np.ones(len(part), np.float32), len(rows))
    return Portion(rows[[replica % len(rows)]], np.zeros(1, np.float32), len(rows))
