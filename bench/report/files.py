"""Writing into a folder that somebody may be reading: a file is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from bench.report.markdown import escape

RECOMMENDATION = "recommendation.md"  # beside summary.md, where `bench recommend` was asked


def write(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` write a temporary file beside `path`, then give it its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fill(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends."""
    write(path, lambda temporary: temporary.write_bytes(text.encode()))


def advice_title(data: str) -> str:
    """How a recommendation for a data set begins; its budget follows."""
    return f"# What to take for {escape(data)}:"


def is_advised(out: Path, data: str) -> bool:
    """Whether a recommendation for this data set lies in `out`."""
    page = out / RECOMMENDATION
    return page.is_file() and page.read_text(encoding="utf-8", errors="replace").startswith(advice_title(data))
