"""A backbone with its head, cut where training begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from backbones.base import STAGES, Backbone, BackboneError
from bench.config import Recipe
from bench.files import path_safe
from bench.training.fused import fuse
from bench.training.head_model import map_head


@dataclass(frozen=True)
class Network:
    """One network in two parts that share their layers with the whole.

    Attributes:
        adapter: prepares the images.
        model: prepared images (B, H, W, 3) -> logits float32 (B, C).
        front: prepared images -> the map at the cut, (B, h, w, F); frozen, and always as it is for predictions: its
            noise layers are off. None where everything trains.
        rest: the map at the cut, or prepared images, -> logits. All of it trains.
    """

    adapter: Backbone
    model: keras.Model
    front: keras.Model | None
    rest: keras.Model

    @classmethod
    def of(cls, adapter: Backbone, backbone: keras.Model, recipe: Recipe, classes: int, seed: int) -> Network:
        """Puts the recipe's head on a built backbone.

        Args:
            adapter: of the backbone.
            backbone: without its top. It is used, not copied: its frozen layers are set so.
            recipe: head and trainable part.
            classes: C.
            seed: of the head's start.
        """
        logits = map_head(recipe.layers, backbone.output, classes, seed)
        model = keras.Model(backbone.inputs, logits, name=path_safe(adapter.name))
        cut = _cut(adapter, backbone, recipe)
        if cut is None:
            front, rest = None, model
        else:
            front, rest = keras.Model(backbone.inputs, cut), keras.Model(cut, logits)
            front.trainable = False
        fuse(model)
        return cls(adapter, model, front, rest)

    @property
    def trainable_variables(self) -> Sequence[Any]:
        """What the optimizer moves."""
        return list(self.rest.trainable_variables)

    @property
    def variables(self) -> Sequence[Any]:
        """Everything that decides what the network does next, seeds of its noise included."""
        return list(self.model.variables)


def _cut(adapter: Backbone, backbone: keras.Model, recipe: Recipe) -> Any | None:
    """The output at which the trainable part begins; None where everything trains."""
    if recipe.trainable == "none":
        return backbone.output
    first = recipe.first_trainable_stage
    if first is None or first == STAGES[0]:
        return None
    ends = dict(adapter.stages_of(backbone))
    before = STAGES[STAGES.index(first) - 1]
    if before not in ends:
        raise BackboneError(
            f"{adapter.name} cannot be cut at the end of {before}; it has the ends of {', '.join(ends)}."
        )
    return backbone.get_layer(ends[before]).output
