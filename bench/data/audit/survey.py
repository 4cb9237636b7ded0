"""A survey of the records of a data set, one by one: a fault of one hides nothing of the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from bench.data import records
from bench.data.reading import tensorflow_errors
from bench.environment import cores

THUMB_PX = 16
FLAT = 2.0  # standard deviation of gray values below which a thumb shows nothing
_GRAY_PX = 64  # more than a perceptual hash uses
_AT_ONCE = 256  # records in memory


@dataclass(frozen=True)
class Surveyed:
    """One record.

    Attributes:
        split: of its shard.
        shard: its file.
        number: in that file, counted from 1.
        id: "" if absent.
        label: `records.NO_CLASS` if absent.
        size: width and height; (0, 0) if the picture does not decode.
        digest: SHA-256 of the encoded picture.
        hashes: two perceptual hashes, as stored and mirrored; None if not requested, or the picture does not decode.
        thumb: uint8 (16, 16) of gray, with hashes.
        fault: why the record cannot be used, or "".
    """

    split: str
    shard: Path
    number: int
    id: str = ""
    label: int = records.NO_CLASS
    size: tuple[int, int] = (0, 0)
    digest: str = ""
    hashes: tuple[int, int] | None = None
    thumb: Any = None
    fault: str = ""

    @property
    def where(self) -> str:
        """Shard and number."""
        return f"{self.split}/{self.shard.name} record {self.number}"


def survey(shards: Mapping[str, Sequence[Path]], *, hashes: bool, tell: Callable[[int], object]) -> Iterator[Surveyed]:
    """Every record of one resolution in order; one more stands for the unreadable rest of a shard.

    Args:
        shards: split -> files.
        hashes: whether to compute perceptual hashes.
        tell: called with the number of records read since the last call.
    """
    with ThreadPoolExecutor(cores()) as pool:
        for split, files in shards.items():
            for shard in files:
                yield from _of_shard(Surveyed(split, shard, 0), hashes, pool, tell)


def perceptual_hashes(pixels: Any) -> tuple[tuple[int, int], Any]:
    """Hashes of a picture and of its mirror image (64 bits each), and a gray thumb, uint8 (16, 16).

    Args:
        pixels: uint8 (height, width, 3).
    """
    import imagehash

    gray = Image.fromarray(pixels).convert("L").resize((_GRAY_PX, _GRAY_PX), Image.Resampling.BOX)
    thumb = np.asarray(gray.resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX))
    if thumb.std() < FLAT:  # the hash of an even picture is made of rounding errors
        return (0, 0), thumb
    found = (imagehash.phash(gray), imagehash.phash(ImageOps.mirror(gray)))
    first, second = (int.from_bytes(np.packbits(one.hash).tobytes(), "big") for one in found)
    return (first, second), thumb


def _of_shard(
    blank: Surveyed, hashes: bool, pool: ThreadPoolExecutor, tell: Callable[[int], object]
) -> Iterator[Surveyed]:
    found, number, broken = tf.data.TFRecordDataset(str(blank.shard)).as_numpy_iterator(), 0, False
    while True:
        batch: list[bytes] = []
        try:
            for record in islice(found, _AT_ONCE):
                batch.append(record)  # one by one, so that records before a damaged one are kept
        except tf.errors.OpError:
            broken = True
        numbered = [(replace(blank, number=place), record) for place, record in enumerate(batch, number + 1)]
        yield from pool.map(lambda pair: _surveyed(pair[0], pair[1], hashes), numbered)
        number += len(batch)
        tell(len(batch))
        if broken:
            yield replace(blank, number=number + 1, fault="truncated, damaged or not a TFRecord file from here on")
        if len(batch) < _AT_ONCE:  # also after a damaged record, which ends its batch early
            return


def _surveyed(blank: Surveyed, serialized: bytes, hashes: bool) -> Surveyed:
    try:
        record = records.parse(serialized)
    except tensorflow_errors():
        return replace(blank, fault="not of the form image (bytes), class (int64), id (bytes)")
    image, name = record["image"].numpy(), records.text(record["id"].numpy())
    known = replace(blank, id=name, label=int(record["class"]), digest=hashlib.sha256(image).hexdigest())
    try:
        pixels = records.decode(record["image"]).numpy()
    except tensorflow_errors():
        return replace(known, fault="its picture does not decode" if image else "it has no picture")
    known = replace(known, size=(pixels.shape[1], pixels.shape[0]), fault="" if name else "it has no id")
    if not hashes:
        return known
    found, thumb = perceptual_hashes(pixels)
    return replace(known, hashes=found, thumb=thumb)
