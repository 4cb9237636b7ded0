"""`KerasApplication`: backbones of keras.applications."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from backbones.base import Backbone

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

KERAS_DOCUMENTATION = "keras.io/api/applications"  # has a table of accuracies on ImageNet's validation set
CAFFE = "BGR mean 0"  # 0..255 less ImageNet's mean
TORCH = "RGB z-score"  # with ImageNet's mean and deviation
MINUS_ONE_TO_ONE = "RGB -1..1"
INSIDE = "RGB 0..255"  # the network rescales
_AUTOMATIC = re.compile(r"(.*?)(?:_(\d+))?$")


@dataclass(frozen=True, kw_only=True)
class KerasApplication(Backbone):
    """A network of keras.applications, its input prepared by the module's own `preprocess_input`.

    Attributes:
        module: the module in `keras.applications` that prepares the input, such as `vgg16`.
        function: the function in `keras.applications` that builds the network, such as `VGG16`.
    """

    module: str
    function: str
    top1_source: str = KERAS_DOCUMENTATION

    def architecture(self) -> keras.Model:
        """The network with freshly drawn variables."""
        # Never weights="imagenet" or a path: Keras loads without a check, and builds EfficientNet differently for both.
        build = getattr(import_module("keras.applications"), self.function)
        model: keras.Model = build(include_top=False, weights=None)
        _number_layers(model)
        return model

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """As the network was trained: see the module's `preprocess_input`."""
        return self._module().preprocess_input(images)

    def _module(self) -> Any:
        return import_module(f"keras.applications.{self.module}")


def _number_layers(model: keras.Model) -> None:
    """Renames layers that Keras named after their class, numbered within this network in the order of creation.

    Keras numbers them within the process: `add_1`, the end of a stage, would be `add_13` in another process.
    """
    found: dict[str, list[tuple[int, Any]]] = {}
    for layer in model.layers:
        kind, number = _AUTOMATIC.match(layer.name).groups()  # type: ignore[union-attr]  # it matches any name
        if kind.replace("_", "") == type(layer).__name__.lower():
            found.setdefault(kind, []).append((int(number or 0), layer))
    for kind, layers in found.items():
        for place, (_, layer) in enumerate(sorted(layers, key=lambda pair: pair[0])):
            layer.name = f"{kind}_{place}" if place else kind
