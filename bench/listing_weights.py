"""The table of `bench list weights`: the file of each backbone's ImageNet weights, and whether that one is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import backbones
from backbones.base import Backbone, WeightsFile
from backbones.weights_file import HASHES
from bench.choosing_backbones import named_or_all
from bench.environment import keras_models
from bench.errors import UserError

_INDENT = 12
Rows = Sequence[dict[str, Any]]
# unverified: it is there, and nobody publishes a hash of it. none: the backbone has no ImageNet weights.
State = Literal["right", "wrong hash", "unverified", "missing", "none"]


def weights_rows(words: Sequence[str] = (), folder: Path | None = None) -> Rows:
    """The weights file of every registered backbone, or of those that the words stand for.

    Args:
        words: names, families and patterns.
        folder: where the files are; that of Keras, or of the packages that hold them, unless given.

    Raises:
        UserError: a word that stands for none, or no such folder.
    """
    if folder is not None and not folder.is_dir():
        raise UserError(f"--weights: there is no folder '{folder}'.")
    return [_row(backbones.get(name), folder) for name in named_or_all(words)]


def weights_text(rows: Rows) -> str:
    """The rows for people, folder by folder: a paragraph for each backbone, its state in front."""
    folders = dict.fromkeys(row["folder"] for row in rows if row["folder"])
    parts = [f"{row['state']:<{_INDENT}}{row['backbone']}: no ImageNet weights" for row in rows if not row["folder"]]
    for folder in folders:
        parts.append("\n".join([f"In {folder}:", *(_paragraph(row) for row in rows if row["folder"] == folder)]))
    return "\n\n".join(parts)


def status(rows: Rows, words: Sequence[str]) -> int:
    """The exit status: 1 where a file has the wrong hash, or where one that was asked for by name is missing."""
    wrong = {"wrong hash", "missing"} if words else {"wrong hash"}
    return int(any(row["state"] in wrong for row in rows))


def _row(adapter: Backbone, folder: Path | None) -> dict[str, Any]:
    file = adapter.weights_file
    if file is None:
        nothing = dict.fromkeys(("file", "algorithm", "digest", "folder", "url", "remedy"))
        return {"backbone": adapter.name, "state": "none", **nothing}
    place = folder / file.name if folder else file.place(keras_models())
    return {
        "backbone": adapter.name,
        "state": _state(file, place),
        "file": file.name,
        "algorithm": file.algorithm if file.digest else None,
        "digest": file.digest,
        "folder": str(place.parent),
        "url": file.url or None,
        "remedy": file.remedy(place.parent),
    }


def _state(file: WeightsFile, place: Path) -> State:
    if not file.is_at(place):
        return "wrong hash" if place.is_file() else "missing"
    return "right" if file.digest and place.is_file() else "unverified"


def _paragraph(row: Mapping[str, Any]) -> str:
    digest = f"{HASHES[row['algorithm']]} {row['digest']}" if row["digest"] else "no hash is published"
    lines = [f"{row['state']:<{_INDENT}}{row['backbone']}", row["file"], digest]
    if row["state"] in ("missing", "wrong hash"):
        lines.append(f"from {row['url']}" if row["url"] else row["remedy"])
    return f"\n{'':<{_INDENT}}".join(lines)
