"""A data set of drawn-like pictures, and records of which only looks matter."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.audit.survey import Surveyed, perceptual_hashes


def scene(number: int, px: int = 96) -> Image.Image:
    """Blobs that no other number gives."""
    small = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
    return Image.fromarray(small).resize((px, px), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def surveyed(
    name: str, image: Image.Image, split: str = "train", label: int = 0, digest: str | None = None
) -> Surveyed:
    hashes, thumb = perceptual_hashes(np.asarray(image.convert("RGB")))
    return Surveyed(
        split, Path(f"{split}.tfrec"), 1, name, label, image.size, name if digest is None else digest, hashes, thumb
    )


@pytest.fixture(name="scene")
def scene_fixture():
    return scene


@pytest.fixture(name="encoded")
def encoded_fixture():
    return encoded


@pytest.fixture(name="surveyed")
def surveyed_fixture():
    return surveyed
