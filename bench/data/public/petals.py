"""Where the data of Kaggle's "Petals to the Metal" lie, and what its classes are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.data.remote.address import is_remote, plain
from bench.environment import home, petals_dir, petals_text

PETALS = "petals"
COMPETITION = "tpu-getting-started"
RESOLUTIONS = (192, 224, 331, 512)  # as the competition has them
CLASSES = Path(__file__).with_name("petals_classes.txt")
# Where notebooks on Kaggle find the competition's data, by the age of the notebook.
MOUNTS = (Path(f"/kaggle/input/{COMPETITION}"), Path(f"/kaggle/input/competitions/{COMPETITION}"))

_SHARDS = 16  # of every split and resolution
_RECORDS = {"train": (798, 783), "val": (232, 232), "test": (462, 452)}  # in a shard, and in the last one


def places() -> Sequence[Path]:
    """The folders to look at, the first one that holds a resolution wins: `PETALS_DIR` alone where it is set."""
    named = petals_dir()
    return [named] if named is not None else [home() / "data" / PETALS, *MOUNTS]


def files(px: int) -> tuple[str, ...]:
    """The competition's shards of a resolution, as it names them: 12,753, 3,712 and 7,382 records."""
    return tuple(
        f"tfrecords-jpeg-{px}x{px}/{split}/{number:02d}-{px}x{px}-{last if number == _SHARDS - 1 else each}.tfrec"
        for split, (each, last) in _RECORDS.items()
        for number in range(_SHARDS)
    )


def url() -> str | None:
    """Where `PETALS_DIR` names a place elsewhere, its URL.

    Raises:
        UserError: it names no folder.
    """
    named = petals_text()
    return plain(named) if is_remote(named) else None
