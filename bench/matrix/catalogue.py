"""The tables of `list backbones` and `list weights`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tabulate import tabulate

import backbones
from backbones.base import Backbone, WeightsFile
from backbones.weights_file import HASHES
from bench.environment import keras_models
from bench.errors import UserError
from bench.matrix.selection import matching_names_or_all
from bench.plugins import label

Rows = Sequence[dict[str, Any]]
_NETWORKS = """\
GFLOPs: a forward pass of one image, 2 x multiply-adds. px: side of the images
that the weights were published for; side: those that the network takes.
`run --all` takes the four marked *, and if their ImageNet weights are missing
Lite too (extra `lite`); `run FAMILY` all of a family."""
_PUBLISHED = """\
ImageNet weights without the top. BGR mean 0: ImageNet's mean is subtracted; RGB
z-score: and divided by its deviation. top-1: accuracy in % with the top, by
[source]."""
_INDENT = 12
# unverified: the file exists, and no hash of it is published. none: the backbone has no ImageNet weights.
State = Literal["right", "wrong hash", "unverified", "missing", "none"]


def backbone_rows(words: Sequence[str] = ()) -> Rows:
    """Rows of `list backbones`: all registered backbones, or those selected, family by family, cheapest first.

    Raises:
        UserError: a word that selects none.
    """
    adapters = sorted(map(backbones.get, matching_names_or_all(words)), key=lambda one: (one.family, one.gflops_224))
    return [_backbone_row(adapter) for adapter in adapters]


def backbone_tables(rows: Rows) -> str:
    """The rows for people: two tables that fit 80 columns, except some names of files at their end."""
    sources = list(dict.fromkeys(row["top-1 source"] for row in rows if row["top-1 source"]))
    notes = [f"[{number}] {source}" for number, source in enumerate(sources, start=1)]
    networks = tabulate(
        [_network(row) for row in rows], headers="keys", disable_numparse=True, colalign=["left"] * 2 + ["right"] * 5
    )
    published = tabulate([_published(row, sources) for row in rows], headers="keys", disable_numparse=True)
    plugins = [f"{row['backbone']}: plugin {row['plugin']}" for row in rows if row["plugin"]]
    return "\n\n".join([networks, "\n".join([_NETWORKS, *plugins]), published, "\n".join([_PUBLISHED, *notes])])


def weights_rows(words: Sequence[str] = (), folder: Path | None = None) -> Rows:
    """Rows of `list weights`: the files of all registered backbones, or of those selected.

    Args:
        words: names, families and patterns.
        folder: folder of the files; None: that of Keras, or of the packages that hold them.

    Raises:
        UserError: a word that selects none, or no such folder.
    """
    if folder is not None and not folder.is_dir():
        raise UserError(f"--weights: there is no folder '{folder}'.")
    return [_weights_row(backbones.get(name), folder) for name in matching_names_or_all(words)]


def weights_text(rows: Rows) -> str:
    """The rows for people, folder by folder: a paragraph for each backbone that begins with its state."""
    folders = dict.fromkeys(row["folder"] for row in rows if row["folder"])
    parts = [f"{row['state']:<{_INDENT}}{row['backbone']}: no ImageNet weights" for row in rows if not row["folder"]]
    for folder in folders:
        parts.append("\n".join([f"In {folder}:", *(_paragraph(row) for row in rows if row["folder"] == folder)]))
    return "\n\n".join(parts)


def status(rows: Rows, words: Sequence[str]) -> int:
    """The exit status: 1 if a file has the wrong hash, or if words were given and a selected file is missing."""
    wrong = {"wrong hash", "missing"} if words else {"wrong hash"}
    return int(any(row["state"] in wrong for row in rows))


def _backbone_row(adapter: Backbone) -> dict[str, Any]:
    file = adapter.weights_file
    return {
        "backbone": adapter.name,
        "family": adapter.family,
        "features": adapter.feature_width,
        "parameters": adapter.parameters or None,  # 0: not declared by a plugin
        "GFLOPs at 224": adapter.gflops_224 or None,
        "GFLOPs at 512": (adapter.nearest_px(512) == 512 and round(adapter.gflops_at(512), 4)) or None,
        "native px": adapter.native_px if file else None,
        "smallest px": adapter.smallest_px,
        "largest px": adapter.largest_px,
        "input": adapter.input_range,
        "in --all": "yes" if adapter.name in backbones.MATRIX else "no",
        "ImageNet top-1": adapter.imagenet_top1,
        "top-1 source": adapter.top1_source or None,
        "ImageNet weights": _weights_state(file),
        "weights file": file.name if file else None,
        "plugin": label(adapter.name),
    }


def _weights_state(file: WeightsFile | None) -> str:
    """Whether the published weights are on this machine: Keras downloads a file with another hash again."""
    if file is None:
        return "none"
    place = file.place(keras_models())
    if file.is_at(place):
        return "cached"
    return "another file" if place.exists() else "not cached"


def _network(row: dict[str, Any]) -> dict[str, str]:
    return {
        "backbone": row["backbone"] + ("*" if row["in --all"] == "yes" else ""),
        "family": row["family"],
        "Mparams": f"{row['parameters'] / 1e6:.1f}" if row["parameters"] else "",
        "GFLOPs\nat 224": _gflops(row["GFLOPs at 224"]),
        "\nat 512": _gflops(row["GFLOPs at 512"]),
        "px": row["native px"],
        "side": _sides(row["smallest px"], row["largest px"]),
    }


def _gflops(gflops: float | None) -> str:
    return "" if gflops is None else f"{gflops:.2f}"


def _sides(smallest: int, largest: int | None) -> str:
    if largest is None:
        return f"{smallest}+"
    return f"{smallest}" if smallest == largest else f"{smallest}-{largest}"


def _published(row: dict[str, Any], sources: Sequence[str]) -> dict[str, str]:
    top1, source = row["ImageNet top-1"], row["top-1 source"]
    return {
        "backbone": row["backbone"],
        "input": row["input"],
        "top-1": f"{100 * top1:.1f} [{sources.index(source) + 1}]" if top1 else "",
        "weights": row["ImageNet weights"],
        "file": row["weights file"],
    }


def _weights_row(adapter: Backbone, folder: Path | None) -> dict[str, Any]:
    file = adapter.weights_file
    if file is None:
        nothing = dict.fromkeys(("file", "algorithm", "digest", "folder", "url", "remedy"))
        return {"backbone": adapter.name, "state": "none", **nothing}
    place = folder / file.name if folder else file.place(keras_models())
    return {
        "backbone": adapter.name,
        "state": _file_state(file, place),
        "file": file.name,
        "algorithm": file.algorithm if file.digest else None,
        "digest": file.digest,
        "folder": str(place.parent),
        "url": file.url or None,
        "remedy": file.remedy(place.parent),
    }


def _file_state(file: WeightsFile, place: Path) -> State:
    if not file.is_at(place):
        return "wrong hash" if place.is_file() else "missing"
    return "right" if file.digest and place.is_file() else "unverified"


def _paragraph(row: Mapping[str, Any]) -> str:
    digest = f"{HASHES[row['algorithm']]} {row['digest']}" if row["digest"] else "no hash is published"
    lines = [f"{row['state']:<{_INDENT}}{row['backbone']}", row["file"], digest]
    if row["state"] in ("missing", "wrong hash"):
        lines.append(f"from {row['url']}" if row["url"] else row["remedy"])
    return f"\n{'':<{_INDENT}}".join(lines)
