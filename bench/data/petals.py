"""Where the data of Kaggle's "Petals to the Metal" lie, and what its classes are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.environment import home, petals_dir

PETALS = "petals"
CLASSES = Path(__file__).with_name("petals_classes.txt")
# Where notebooks on Kaggle find the competition's data, by the age of the notebook.
MOUNTS = (Path("/kaggle/input/tpu-getting-started"), Path("/kaggle/input/competitions/tpu-getting-started"))


def places() -> Sequence[Path]:
    """The folders to look at, the first one that holds a resolution wins: `PETALS_DIR` alone where it is set."""
    named = petals_dir()
    return [named] if named is not None else [home() / "data" / PETALS, *MOUNTS]
