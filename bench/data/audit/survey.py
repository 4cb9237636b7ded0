"""Every record of a data set, looked at one by one: what is wrong with one hides nothing of the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from bench.data import records
from bench.data.reading import tensorflow_errors
from bench.environment import cores

THUMB_PX = 16
FLAT = 2.0  # standard deviation of gray values below which a thumb shows nothing
_GRAY_PX = 64  # more than a perceptual hash looks at
_AT_ONCE = 256  # records in memory


@dataclass(frozen=True)
class Looked:
    """One record.

    Attributes:
        split: where it is.
        shard: its file.
        number: in that file, counted from 1.
        id: "" where absent.
        label: `records.NO_CLASS` where absent.
        size: width and height; (0, 0) where it does not decode.
        digest: SHA-256 of the encoded picture.
        looks: two perceptual hashes, as it is and mirrored; None where it was not asked for, or does not decode.
        thumb: uint8 (16, 16) of gray, where there are looks.
        fault: why it cannot be used, or "".
    """

    split: str
    shard: Path
    number: int
    id: str = ""
    label: int = records.NO_CLASS
    size: tuple[int, int] = (0, 0)
    digest: str = ""
    looks: tuple[int, int] | None = None
    thumb: Any = None
    fault: str = ""

    @property
    def where(self) -> str:
        """Shard and number."""
        return f"{self.split}/{self.shard.name} record {self.number}"


def read(shards: Mapping[str, Sequence[Path]], *, looks: bool, tell: Callable[[int], object]) -> Iterator[Looked]:
    """Every record of one resolution in order, and one that stands for what could not be read of a shard.

    Args:
        shards: split -> files.
        looks: whether perceptual hashes are wanted.
        tell: is given the number of records after every few.
    """
    with ThreadPoolExecutor(cores()) as pool:
        for split, files in shards.items():
            for shard in files:
                yield from _of_shard(Looked(split, shard, 0), looks, pool, tell)


def perceive(pixels: Any) -> tuple[tuple[int, int], Any]:
    """Perceptual hashes of a picture and of its mirror image (64 bits each), and a gray thumb, uint8 (16, 16).

    Args:
        pixels: uint8 (height, width, 3).
    """
    import imagehash

    gray = Image.fromarray(pixels).convert("L").resize((_GRAY_PX, _GRAY_PX), Image.Resampling.BOX)
    thumb = np.asarray(gray.resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX))
    if thumb.std() < FLAT:  # the hash of an even picture is made of rounding errors
        return (0, 0), thumb
    hashes = (imagehash.phash(gray), imagehash.phash(ImageOps.mirror(gray)))
    first, second = (int.from_bytes(np.packbits(found.hash).tobytes(), "big") for found in hashes)
    return (first, second), thumb


def _of_shard(like: Looked, looks: bool, pool: ThreadPoolExecutor, tell: Callable[[int], object]) -> Iterator[Looked]:
    import tensorflow as tf

    found, number = tf.data.TFRecordDataset(str(like.shard)).as_numpy_iterator(), 0
    while True:
        some: list[bytes] = []
        broken = False
        try:
            for record in islice(found, _AT_ONCE):
                some.append(record)  # one by one: what came before a damaged record is kept
        except tf.errors.OpError:
            broken = True
        yield from pool.map(
            lambda pair: _look(replace(like, number=pair[0]), pair[1], looks), enumerate(some, number + 1)
        )
        number += len(some)
        tell(len(some))
        if broken:
            reason = "truncated, damaged or not a TFRecord file from here on"
            yield replace(like, number=number + 1, fault=reason)
        if broken or len(some) < _AT_ONCE:
            return


def _look(like: Looked, serialized: bytes, looks: bool) -> Looked:
    try:
        record = records.parse(serialized)
    except tensorflow_errors():
        return replace(like, fault="not of the form image (bytes), class (int64), id (bytes)")
    image, name = record["image"].numpy(), records.text(record["id"].numpy())
    known = replace(like, id=name, label=int(record["class"]), digest=hashlib.sha256(image).hexdigest())
    try:
        pixels = records.decode(record["image"]).numpy()
    except tensorflow_errors():
        return replace(known, fault="its picture does not decode" if image else "it has no picture")
    known = replace(known, size=(pixels.shape[1], pixels.shape[0]), fault="" if name else "it has no id")
    if not looks:
        return known
    hashes, thumb = perceive(pixels)
    return replace(known, looks=hashes, thumb=thumb)
