"""Folders of small pictures, and imports that need no process besides this one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.importing import importing
from bench.data.importing.shards import write_shards


def blocks(number: int, width: int = 40, height: int = 30) -> Image.Image:
    """A picture that no other number gives."""
    small = np.random.default_rng(number).integers(0, 256, (3, 4, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    """Three classes of six pictures."""
    root = tmp_path / "garden"
    for label, name in enumerate(("rose", "aster", "百合")):
        (root / name).mkdir(parents=True)
        for number in range(6):
            blocks(10 * label + number).save(root / name / f"{number}.png")
    return root


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "process_pool", ThreadPoolExecutor)
    monkeypatch.setattr(importing, "ask", lambda job, log, hear: write_shards(job, lambda done, of: None))


@pytest.fixture(name="blocks")
def blocks_fixture():
    return blocks
