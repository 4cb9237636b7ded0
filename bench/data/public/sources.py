"""Public data sets that can be fetched, and the pictures that a child hands over to the import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.files import write_json

TABLE = "pictures.csv"  # of paths, classes and splits, beside the pictures


@dataclass(frozen=True)
class PublicDataSet:
    """A data set of tensorflow-datasets, with the counts of its versions 3.0.1 and 2.1.1.

    Attributes:
        url: its archive of pictures.
        splits: their name of a split -> ours; "" if the content of a picture decides.
        counts: their name of a split -> pictures.
    """

    url: str
    splits: Mapping[str, str]
    counts: Mapping[str, int]


PUBLIC = {
    "tf_flowers": PublicDataSet(
        "http://download.tensorflow.org/example_images/flower_photos.tgz", {"train": ""}, {"train": 3_670}
    ),
    "oxford_flowers102": PublicDataSet(
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/102flowers.tgz",
        {"train": "train", "validation": "val", "test": "test"},
        {"train": 1_020, "validation": 1_020, "test": 6_149},
    ),
}


@dataclass(frozen=True)
class Fetched:
    """Pictures and their table, written by a child.

    Attributes:
        classes: names in label order.
        origin: the library, the data set and its version.
    """

    classes: tuple[str, ...]
    origin: str

    def save(self, folder: Path) -> None:
        """Marks the folder as complete."""
        write_json(folder / "written.json", asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Fetched | None:
        """The pictures of a complete folder, else None."""
        try:
            found = json.loads((folder / "written.json").read_bytes())
        except OSError:
            return None
        return cls(tuple(found["classes"]), found["origin"])
