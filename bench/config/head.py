"""Heads: a list of layer words, parsed and checked here, built in `bench.training`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from bench.errors import unknown

LayerKind = Literal["batch_norm", "dense", "dropout", "gap", "softmax"]
KINDS: tuple[LayerKind, ...] = ("batch_norm", "dense", "dropout", "gap", "softmax")
ACTIVATIONS = ("elu", "gelu", "linear", "relu", "selu", "silu", "swish", "tanh")


@dataclass(frozen=True)
class HeadLayer:
    """One layer of a head. `units` and `activation` belong to dense, `rate` to dropout."""

    kind: LayerKind
    units: int = 0
    activation: str = "linear"
    rate: float = 0.0


def parse_layer(word: str) -> HeadLayer:
    """One layer word: `gap`, `batch_norm`, `softmax`, `dropout:RATE`, `dense:UNITS[:ACTIVATION]`.

    Raises:
        ValueError: an unknown layer, or an argument that is missing, too many or out of range.
    """
    kind, *arguments = word.split(":")
    if kind not in KINDS:
        raise ValueError(str(unknown("head layer", kind, KINDS)))
    try:
        if kind == "dropout":
            return _dropout(*arguments)
        if kind == "dense":
            return _dense(*arguments)
        return _plain(kind, *arguments)
    except (TypeError, ValueError) as error:
        expected = "gap, batch_norm, softmax, dropout:RATE (0 to 1), dense:UNITS[:ACTIVATION]"
        raise ValueError(f"head layer '{word}' ({error}); layers are {expected}") from None


def _plain(kind: str, *arguments: str) -> HeadLayer:
    if arguments:
        raise ValueError(f"{kind} takes no argument")
    return HeadLayer(cast(LayerKind, kind))


def _dropout(rate: str) -> HeadLayer:
    if not 0 <= float(rate) < 1:
        raise ValueError("the rate lies from 0 to below 1")
    return HeadLayer("dropout", rate=float(rate))


def _dense(units: str, activation: str = "linear") -> HeadLayer:
    if int(units) < 1:
        raise ValueError("at least one unit")
    if activation not in ACTIVATIONS:
        raise ValueError(str(unknown("activation", activation, ACTIVATIONS)))
    return HeadLayer("dense", units=int(units), activation=activation)


@cache
def _parsed(words: tuple[str, ...]) -> tuple[HeadLayer, ...]:
    return tuple(parse_layer(word) for word in words)


def parse_head(words: Sequence[str]) -> tuple[HeadLayer, ...]:
    """All layers of a head, in order. It pools the feature map once (`gap`) and ends in `softmax`.

    Raises:
        ValueError: see `parse_layer`; no or two `gap`; `softmax` missing or not last; a dense layer before `gap`.
    """
    layers = _parsed(tuple(words))
    kinds = [layer.kind for layer in layers]
    if not kinds or kinds[-1] != "softmax" or kinds.count("softmax") != 1:
        raise ValueError("a head ends in softmax, once")
    if kinds.count("gap") != 1:
        raise ValueError("a head pools the feature map once: gap")
    if "dense" in kinds[: kinds.index("gap")]:
        raise ValueError("dense layers come after gap")
    return layers


def needs_map(layers: Sequence[HeadLayer]) -> bool:
    """Whether the head needs the whole feature map: pooled moments suffice for `gap` and `batch_norm, gap`."""
    kinds = [layer.kind for layer in layers]
    return kinds[: kinds.index("gap")] not in ([], ["batch_norm"])
