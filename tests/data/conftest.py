"""A tiny data set in the Kaggle form for each test, a home folder of its own, imports without processes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.imports import importer
from bench.data.imports.spool import write_shards

PX = 8


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("PETALBENCH_HOME", str(folder))
    return folder


def png(pixels: np.ndarray) -> bytes:
    """A PNG of uint8 (h, w) or (h, w, 3), written here so that decoding is checked against something else."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2 if pixels.ndim == 3 else 0, 0, 0, 0])
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big") for kind, body in chunks
    )


def picture(name: str, px: int = PX) -> np.ndarray:
    """uint8 (px, px, 3) that depends on the id alone."""
    return np.random.default_rng(zlib.crc32(name.encode())).integers(0, 256, (px, px, 3), np.uint8)


@dataclass
class Folder:
    """A data set folder; tests spoil it and ask what is said.

    Attributes:
        root: where it is.
        splits: split -> (id, label) of its records; None for no class.
    """

    root: Path
    splits: dict[str, list[tuple[str, int | None]]] = field(
        default_factory=lambda: {
            "train": [("a", 0), ("b", 1), ("c", 2), ("d", 1), ("e", 0)],
            "val": [("f", 2), ("g", 0)],
            "test": [("h", None), ("i", None)],
        }
    )

    def split(self, name: str, px: int = PX) -> Path:
        return self.root / f"tfrecords-jpeg-{px}x{px}" / name

    def write(self, px: int = PX, shard_size: int = 3) -> Folder:
        from bench.data.records import NO_CLASS, Record, write_shard

        for name, rows in self.splits.items():
            self.split(name, px).mkdir(parents=True)
            found = [Record(png(picture(i, px)), NO_CLASS if label is None else label, i) for i, label in rows]
            for number, first in enumerate(range(0, len(found), shard_size)):
                write_shard(self.split(name, px), number, px, found[first : first + shard_size])
        return self

    def replace(self, split: str, name: str, serialized: Sequence[bytes], px: int = PX) -> Path:
        """Replace all shards of a split by one that holds these bytes as records."""
        import tensorflow as tf

        for shard in self.split(split, px).glob("*.tfrec"):
            shard.unlink()
        path = self.split(split, px) / name
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in serialized:
                writer.write(record)
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "garden")


@pytest.fixture
def empty_folder(folder: Folder) -> Callable[..., Path]:
    """Makes empty shards without TensorFlow, for what only looks at names."""

    def make(px: int = 224, splits: Sequence[str] = ("train", "val", "test")) -> Path:
        for split in splits:
            folder.split(split, px).mkdir(parents=True)
            (folder.split(split, px) / "00-0.tfrec").write_bytes(b"")
        return folder.root

    return make


@pytest.fixture(name="png")
def png_fixture():
    return png


@pytest.fixture(name="picture")
def picture_fixture():
    return picture


@pytest.fixture
def blocks() -> Callable[..., Image.Image]:
    """Makes a picture that no other number gives."""

    def make(number: int, width: int = 40, height: int = 30) -> Image.Image:
        small = np.random.default_rng(number).integers(0, 256, (3, 4, 3), np.uint8)
        return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)

    return make


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports that need no process besides this one."""
    monkeypatch.setattr(importer, "process_pool", ThreadPoolExecutor)
    monkeypatch.setattr(importer, "ask_counting", lambda job, log: write_shards(job, lambda done, of: None))
