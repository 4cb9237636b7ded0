"""What a file of predictions says, before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Given:
    """The content of one file, rows and columns in its own order. Either probabilities or predicted classes.

    Attributes:
        path: of the file, for messages.
        ids: N ids.
        columns: C names of classes, or indices as text; None: by position, as in an array.
        probs: float (N, C) as they came; None where only predicted classes are given.
        predicted: N names or indices of classes, as text; None where probabilities are given.
        labels: N names or indices of the true classes, as text; None where the file has none.
    """

    path: Path
    ids: Sequence[str]
    columns: tuple[str, ...] | None
    probs: npt.NDArray[Any] | None
    predicted: Sequence[str] | None
    labels: Sequence[str] | None
    by_index: bool = False  # `predicted` are indices, whatever the classes are called
