"""The embedded data set `sample`: drawn flowers in the Kaggle form, created on first use."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.cache import not_writable
from bench.data.imports.workers import process_pool
from bench.data.layout import ANSWERS_FILE, CLASSES_FILE, folder_of
from bench.data.records import NO_CLASS, Record, write_shard
from bench.data.source import GENERATED_FILE, SAMPLE
from bench.environment import home
from bench.files import write_csv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.data.sample.stream import Stream

    Images = dict[int, NDArray[np.uint8]]


# Goes up with every change of a pixel, an id or a split; the sample of an older version is drawn anew.
VERSION = 3
RESOLUTIONS = (224, 512)

# Images per class, most frequent first; every rare class has a few validation images, as in the flower data.
_COUNTS = {
    "train": (18, 17, 15, 14, 13, 13, 12, 12, 10, 9, 9, 8),
    "val": (8, 7, 7, 6, 6, 5, 5, 5, 4, 4, 4, 3),
    "test": (2,) * 12,
}
_SHARDS = {"train": 2, "val": 2, "test": 1}
_JPEG_QUALITY = 93
_FREQUENT = range(6)  # one class of each pair; its second training image shows the scene of the first
# Class and place in it of a training image, the copy or the third, with the label of its pair's other class (True) or
# of a frequent one of another pair: a rare class could not bear more.
_MISLABELLED = {(0, 1): False, (1, 1): False, (2, 2): False, (3, 1): True, (4, 2): True, (5, 2): True}

# The flaws of this version that `plans` makes, for those who look for them: label and class drawn; original and copy.
LABEL_ERRORS = {
    "6d27ca189": ("clear cranesbill", "dusted poppy"),
    "088ae5cc7": ("dusted poppy", "plain daisy"),
    "1a3d28e3e": ("even primrose", "edged primrose"),
    "2b6ae957c": ("pale lily", "freckled lily"),
    "fcfcf9c83": ("barred moonspoon", "veined moonspoon"),
    "c5a8b70de": ("veined moonspoon", "clear cranesbill"),
}
NEAR_DUPLICATES = (
    ("1032746e7", "6d27ca189"),
    ("5132a2037", "e8692ca20"),
    ("a786dd9eb", "088ae5cc7"),
    ("e86574df7", "1da322b07"),
    ("b9aca0d34", "2b6ae957c"),
    ("3eadd86d2", "b78e05a91"),
)


@dataclass(frozen=True)
class PicturePlan:
    """One image of the set.

    Attributes:
        split: of the image.
        label: its class, as labelled.
        id: nine hexadecimal digits, as in the flower data.
        number: of the image in the set; keys its light and noise.
        seed: of the set.
        scene: number of the image whose scene it shows: its own, unless it is a near-duplicate.
        species: the class drawn, other than the label if that is an error.
    """

    split: str
    label: int
    id: str
    number: int
    seed: int
    scene: int
    species: int


def plans(seed: int = VERSION, val: int = sum(_COUNTS["val"])) -> list[PicturePlan]:
    """All images of the set, in the order of the records.

    Args:
        seed: of the set; that of `sample` is its version.
        val: number of validation images, in the proportions of `sample`.
    """
    from bench.data.sample.stream import Stream

    found: list[PicturePlan] = []
    for split, counts in _COUNTS.items():
        labels = [label for label, count in enumerate(counts) for _ in range(count)]
        labels = Stream(seed, len(found)).shuffled(labels)
        if split == "val":
            labels = (labels * -(-val // len(labels)))[:val]
        for number, label in enumerate(labels, len(found)):
            name = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:9]
            found.append(PicturePlan(split, label, name, number, seed, number, label))
    return _flawed(found, Stream(seed, 3))


def _flawed(planned: list[PicturePlan], stream: Stream) -> list[PicturePlan]:
    """The same images with near-duplicates and label errors among those of training."""
    from bench.data.sample.species import are_alike

    classes = range(len(_COUNTS["train"]))
    of_class = [[plan for plan in planned if plan.split == "train" and plan.label == label] for label in classes]
    changed = {}
    for label in _FREQUENT:
        first, second = of_class[label][:2]
        changed[second.number] = replace(second, scene=first.number)
    for (label, place), alike in _MISLABELLED.items():
        number = of_class[label][place].number
        known = classes if alike else _FREQUENT
        wrong = stream.choice([other for other in known if other != label and are_alike(label, other) == alike])
        changed[number] = replace(changed.get(number, planned[number]), label=wrong)
    return [changed.get(plan.number, plan) for plan in planned]


def draw(plan: PicturePlan) -> Images:
    """The image as uint8 (px, px, 3) for each resolution px."""
    from bench.data.sample.canvas import shrink
    from bench.data.sample.scene import draw_scene
    from bench.data.sample.stream import Stream

    large = draw_scene(plan.species, Stream(plan.seed, 1, plan.scene), Stream(plan.seed, 2, plan.number))
    return {px: large if px == large.shape[0] else shrink(large, px) for px in RESOLUTIONS}


def is_made() -> bool:
    """Whether the set exists, complete and of this version. Needs no TensorFlow."""
    root = _root()
    try:
        made = json.loads((root / GENERATED_FILE).read_text(encoding="utf-8"))
        return bool(made["version"] == VERSION and made["bytes"] == _sizes(root, made["bytes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def ensure_sample(workers: int | None = None) -> None:
    """Draws the set if missing: complete or not at all, even if several processes try at once.

    Args:
        workers: processes that draw, by default one a core; 1: this process draws.

    Raises:
        UserError: the folder cannot be written.
    """
    if is_made():
        return
    root = _root()
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=".sample-", ignore_cleanup_errors=True) as folder:
            _make(Path(folder) / "new", workers or os.cpu_count() or 1)
            _install(Path(folder))
    except OSError as error:
        raise not_writable(root.parent, error) from error


def _root() -> Path:
    return home() / "data" / SAMPLE


def _sizes(root: Path, names: Iterable[str]) -> dict[str, int]:
    return {name: (root / name).stat().st_size for name in names}


def _make(root: Path, workers: int) -> None:
    from bench.data.sample.species import SPECIES

    planned = plans()
    drawn = [_encoded(plan, images) for plan, images in zip(planned, _drawings(planned, workers), strict=True)]
    for px in RESOLUTIONS:
        _write_shards(root / folder_of(px), px, planned, [images[px][0] for images in drawn])
    (root / CLASSES_FILE).write_text("".join(f"{species.name}\n" for species in SPECIES), encoding="utf-8")
    answers = [(plan.id, plan.label) for plan in planned if plan.split == "test"]
    write_csv(root / ANSWERS_FILE, [("id", "label"), *answers])
    digests = {px: "".join(images[px][1] for images in drawn).encode() for px in RESOLUTIONS}
    fingerprints = {px: hashlib.sha256(joined).hexdigest() for px, joined in digests.items()}
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    made = {"version": VERSION, "fingerprints": fingerprints, "bytes": _sizes(root, files)}
    (root / GENERATED_FILE).write_text(json.dumps(made, indent=2), encoding="utf-8")


def _drawings(planned: Sequence[PicturePlan], workers: int) -> Iterator[Images]:
    if workers == 1:
        yield from map(draw, planned)
        return
    # Processes, because a picture is many small steps of numpy, for which threads would wait on each other.
    with process_pool(workers) as pool:
        yield from pool.map(draw, planned)


def _encoded(plan: PicturePlan, images: Images) -> dict[int, tuple[bytes, str]]:
    """JPEG bytes and digest of pixels, split, id and label, for each px; pixels of the whole set would take 220 MB."""
    import tensorflow as tf

    head = f"{plan.split}/{plan.id}/{plan.label}/".encode()
    return {
        px: (
            tf.io.encode_jpeg(pixels, quality=_JPEG_QUALITY).numpy(),
            hashlib.sha256(head + pixels.tobytes()).hexdigest(),
        )
        for px, pixels in images.items()
    }


def _write_shards(folder: Path, image_px: int, planned: Sequence[PicturePlan], images: Sequence[bytes]) -> None:
    for split, shard_count in _SHARDS.items():
        (folder / split).mkdir(parents=True)
        found = [
            Record(image, NO_CLASS if split == "test" else plan.label, plan.id)
            for plan, image in zip(planned, images, strict=True)
            if plan.split == split
        ]
        size = -(-len(found) // shard_count)
        for number in range(shard_count):
            write_shard(folder / split, number, image_px, found[number * size : (number + 1) * size])


def _install(folder: Path) -> None:
    """Renames `folder/new` into place, unless another process was first."""
    root, attempt = _root(), 0
    while not is_made():
        attempt += 1
        try:
            if root.exists():
                root.rename(folder / f"old-{attempt}")
            (folder / "new").rename(root)
        except OSError:
            if attempt == 9:
                raise
