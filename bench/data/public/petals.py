"""Where the data of Kaggle's "Petals to the Metal" lie, and its shards and class names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.data.layout import folder_of, has_resolutions
from bench.data.remote.address import folder_url, is_remote
from bench.environment import home, petals_dir, petals_text

PETALS = "petals"
COMPETITION = "tpu-getting-started"
RESOLUTIONS = (192, 224, 331, 512)  # of the competition
CLASSES = Path(__file__).with_name("petals_classes.txt")
# Kaggle's notebooks find the competition's data in one of these folders; which one depends on the notebook's age.
MOUNTS = (Path(f"/kaggle/input/{COMPETITION}"), Path(f"/kaggle/input/competitions/{COMPETITION}"))

_SHARDS = 16  # of every split and resolution
_RECORDS = {"train": (798, 783), "val": (232, 232), "test": (462, 452)}  # in a shard, and in the last one


def folders() -> Sequence[Path]:
    """The folders to search, in order: `PETALS_DIR` alone if it is set."""
    named = petals_dir()
    return [named] if named is not None else [home() / "data" / PETALS, *MOUNTS]


def folder() -> Path | None:
    """The folder that `petals` stands for, the first that holds a resolution, or None."""
    return next((folder for folder in folders() if folder.is_dir() and has_resolutions(folder)), None)


def url() -> str | None:
    """The URL in `PETALS_DIR`, or None.

    Raises:
        UserError: the URL names no folder.
    """
    named = petals_text()
    return folder_url(named) if is_remote(named) else None


def files(px: int) -> tuple[str, ...]:
    """The competition's shards of a resolution, with its names: 12,753, 3,712 and 7,382 records."""
    return tuple(
        f"{folder_of(px)}/{split}/{number:02d}-{px}x{px}-{last if number == _SHARDS - 1 else each}.tfrec"
        for split, (each, last) in _RECORDS.items()
        for number in range(_SHARDS)
    )
