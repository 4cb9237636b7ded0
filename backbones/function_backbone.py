"""A backbone made of two functions: one builds the network, one prepares its input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backbones.base import STAGES, Backbone, BackboneError, WeightsFile

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


@dataclass(frozen=True, kw_only=True)
class FunctionBackbone(Backbone):
    """What it takes to bring a network along, without a class of one's own.

    Nothing but name, network, scale and feature_width has to be said. Keras and TensorFlow are imported inside the
    functions: commands that build no network do not wait for them.

    Attributes:
        network: takes nothing and gives a `keras.Model` without its top, with freshly drawn variables: images
            (B, H, W, 3) as `scale` makes them, last feature map (B, h, w, feature_width) out. H and W are None, unless
            smallest_px and largest_px say otherwise.
        scale: takes float32 RGB of 0..255, a tensor (B, H, W, 3), and gives what the network expects, in the same
            shape. It works inside `tf.function`.
        family: the name, unless given.
        stages: where the network can be cut; where none are given, at its end alone, so that recipes train all or
            nothing of it.
        parameters: 0: not said. Results have the number that the built network is counted to have.
        gflops_224: 0: not said. It decides the order of runs; results have what is measured of the built network.
    """

    network: Callable[[], keras.Model]
    scale: Callable[[tf.Tensor], tf.Tensor]
    family: str = ""
    stages: tuple[tuple[str, str], ...] = ()
    parameters: int = 0
    gflops_224: float = 0.0
    weights_file: WeightsFile | None = None

    def __post_init__(self) -> None:
        if not self.family:
            object.__setattr__(self, "family", self.name)
        if self.feature_width < 1:
            raise ValueError(f"{self.name}: feature_width is {self.feature_width}, and F, at least 1, was expected.")

    def architecture(self) -> keras.Model:
        """What `network` gives."""
        import keras

        model = self.network()
        if not isinstance(model, keras.Model):
            raise BackboneError(
                f"{self.name}: its network is a {type(model).__name__}, and a keras.Model was expected."
            )
        return model

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """What `scale` gives."""
        return self.scale(images)

    def stages_of(self, model: keras.Model) -> tuple[tuple[str, str], ...]:
        """Those given, or the end of the network."""
        return self.stages or ((STAGES[-1], model.output._keras_history.operation.name),)
