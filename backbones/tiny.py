"""A network of a few thousand parameters with batch normalisation, for tests: runs take seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backbones.base import STAGES, Backbone
from backbones.registry import register

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_CHANNELS = (8, 8, 16, 16, 16)


@dataclass(frozen=True, kw_only=True)
class Tiny(Backbone):
    """Five stages, each a convolution of stride 2, BatchNorm and ReLU, on images scaled to -1..1."""

    def architecture(self) -> keras.Model:
        """The network with freshly drawn variables."""
        import keras

        inputs = x = keras.Input((None, None, 3))
        for stage, channels in zip(STAGES, _CHANNELS, strict=True):
            x = keras.layers.Conv2D(
                channels,
                3,
                strides=2,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
                name=f"{stage}_conv",
            )(x)
            x = keras.layers.BatchNormalization(name=f"{stage}_bn")(x)
            x = keras.layers.ReLU(name=f"{stage}_out")(x)
        return keras.Model(inputs, x, name=self.name)

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """RGB, -1..1."""
        return images / 127.5 - 1.0


register(
    Tiny(
        name="tiny",
        family="tiny",
        feature_width=_CHANNELS[-1],
        stages=tuple((stage, f"{stage}_out") for stage in STAGES),
        parameters=6_808,
        gflops_224=0.0123,
        weights_file=None,
        input_range="RGB -1..1",
    )
)
