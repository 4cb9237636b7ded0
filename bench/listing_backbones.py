"""The tables of `bench list backbones`: what each network is and costs, and what is published of its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

import backbones
from backbones.base import Backbone
from bench.choosing_backbones import named_or_all
from bench.environment import keras_models
from bench.plugging import label

Rows = Sequence[dict[str, Any]]
_NETWORKS = """\
GFLOPs: a forward pass of one image, 2 x multiply-adds. px: side of the images
that the weights were published for; side: those that the network takes.
`run --all` takes the four marked *; `run FAMILY` all of a family."""
_PUBLISHED = """\
ImageNet weights without the top. BGR mean 0: ImageNet's mean is subtracted; RGB
z-score: and divided by its deviation. top-1: accuracy in % with the top, by
[source]."""


def backbone_rows(words: Sequence[str] = ()) -> Rows:
    """Every registered backbone, or those that the words stand for, family by family, cheapest first.

    Raises:
        UserError: a word that stands for none.
    """
    adapters = sorted(map(backbones.get, named_or_all(words)), key=lambda adapter: (adapter.family, adapter.gflops_224))
    return [_row(adapter) for adapter in adapters]


def backbone_tables(rows: Rows) -> str:
    """The rows for people: two tables that 80 columns hold, but for some names of files at their end."""
    sources = list(dict.fromkeys(row["top-1 source"] for row in rows if row["top-1 source"]))
    notes = [f"[{number}] {source}" for number, source in enumerate(sources, start=1)]
    networks = tabulate(
        [_network(row) for row in rows], headers="keys", disable_numparse=True, colalign=["left"] * 2 + ["right"] * 5
    )
    published = tabulate([_published(row, sources) for row in rows], headers="keys", disable_numparse=True)
    plugins = [f"{row['backbone']}: plugin {row['plugin']}" for row in rows if row["plugin"]]
    return "\n\n".join([networks, "\n".join([_NETWORKS, *plugins]), published, "\n".join([_PUBLISHED, *notes])])


def _network(row: dict[str, Any]) -> dict[str, str]:
    return {
        "backbone": row["backbone"] + ("*" if row["in --all"] == "yes" else ""),
        "family": row["family"],
        "Mparams": f"{row['parameters'] / 1e6:.1f}" if row["parameters"] else "",
        "GFLOPs\nat 224": _work(row["GFLOPs at 224"]),
        "\nat 512": _work(row["GFLOPs at 512"]),
        "px": row["native px"],
        "side": _sides(row["smallest px"], row["largest px"]),
    }


def _sides(smallest: int, largest: int | None) -> str:
    if largest is None:
        return f"{smallest}+"
    return f"{smallest}" if smallest == largest else f"{smallest}-{largest}"


def _work(gflops: float | None) -> str:
    return "" if gflops is None else f"{gflops:.2f}"


def _published(row: dict[str, Any], sources: Sequence[str]) -> dict[str, str]:
    top1, source = row["ImageNet top-1"], row["top-1 source"]
    return {
        "backbone": row["backbone"],
        "input": row["input"],
        "top-1": f"{100 * top1:.1f} [{sources.index(source) + 1}]" if top1 else "",
        "weights": row["ImageNet weights"],
        "file": row["weights file"],
    }


def _row(adapter: Backbone) -> dict[str, Any]:
    file = adapter.weights_file
    return {
        "backbone": adapter.name,
        "family": adapter.family,
        "features": adapter.feature_width,
        "parameters": adapter.parameters or None,  # 0: a plugin did not say
        "GFLOPs at 224": adapter.gflops_224 or None,
        "GFLOPs at 512": (adapter.nearest_px(512) == 512 and round(adapter.gflops_at(512), 4)) or None,
        "native px": adapter.native_px if file else None,
        "smallest px": adapter.smallest_px,
        "largest px": adapter.largest_px,
        "input": adapter.input_range,
        "in --all": "yes" if adapter.name in backbones.MATRIX else "no",
        "ImageNet top-1": adapter.imagenet_top1,
        "top-1 source": adapter.top1_source or None,
        "ImageNet weights": _state(adapter),
        "weights file": file.name if file else None,
        "plugin": label(adapter.name),
    }


def _state(adapter: Backbone) -> str:
    """Whether the published weights are at hand: Keras would download the file again where its hash is another."""
    file = adapter.weights_file
    if file is None:
        return "none"
    place = file.place(keras_models())
    if file.is_at(place):
        return "cached"
    return "another file" if place.exists() else "not cached"
