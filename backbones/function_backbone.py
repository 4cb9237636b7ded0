"""`FunctionBackbone`: a backbone made of two functions, one builds the network, one prepares its input."""

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
    """A network for which no class is written.

    Only name, network, scale and feature_width are required. Import Keras and TensorFlow inside the functions:
    commands that build no network do not wait for them.

    Attributes:
        network: returns a `keras.Model` without its top, with freshly drawn variables: images (B, H, W, 3) as `scale`
            makes them in, last feature map (B, h, w, feature_width) out. H and W are None, unless the network takes
            images of one size (smallest_px, largest_px).
        scale: takes float32 RGB of 0..255, a tensor (B, H, W, 3), and returns the input of the network, in the same
            shape. Works inside `tf.function`.
        family: by default the name.
        stages: layers at which the network can be cut; by default only its end, so that recipes train all or nothing.
        parameters: 0: unknown. Results hold the count of the built network.
        gflops_224: 0: unknown. It decides the order of runs; results hold a measurement of the built network.
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
        """The result of `network`."""
        import keras

        model = self.network()
        if not isinstance(model, keras.Model):
            raise BackboneError(
                f"{self.name}: its network is a {type(model).__name__}, and a keras.Model was expected."
            )
        return model

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """The result of `scale`."""
        return self.scale(images)

    def stages_of(self, model: keras.Model) -> tuple[tuple[str, str], ...]:
        """The given stages, or the end of the network."""
        return self.stages or ((STAGES[-1], model.output._keras_history.operation.name),)
