"""Backbones that keras.applications ships."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from backbones.base import Backbone

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


@dataclass(frozen=True, kw_only=True)
class KerasApplication(Backbone):
    """A network of keras.applications, its input prepared by the module's own `preprocess_input`.

    Attributes:
        module: the module in `keras.applications`, such as `vgg16`.
        function: the function in it that builds the network, such as `VGG16`.
    """

    module: str
    function: str

    def architecture(self) -> keras.Model:
        """The network with freshly drawn variables."""
        # Never weights="imagenet" or a path: Keras loads without a check, and builds EfficientNet differently for each.
        model: keras.Model = getattr(self._module(), self.function)(include_top=False, weights=None)
        return model

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """As the network was trained: see the module's `preprocess_input`."""
        return self._module().preprocess_input(images)

    def _module(self) -> Any:
        return import_module(f"keras.applications.{self.module}")
