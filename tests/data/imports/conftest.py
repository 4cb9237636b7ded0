"""Folders of small pictures."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def garden(tmp_path: Path, blocks) -> Path:
    """Three classes of six pictures."""
    root = tmp_path / "garden"
    for label, name in enumerate(("rose", "aster", "百合")):
        (root / name).mkdir(parents=True)
        for number in range(6):
            blocks(10 * label + number).save(root / name / f"{number}.png")
    return root
