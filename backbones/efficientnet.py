"""EfficientNet (Tan and Le, arXiv:1905.11946): takes RGB of 0..255 and rescales inside the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import KerasApplication
from backbones.registry import register

if TYPE_CHECKING:
    import keras

_URL = "https://storage.googleapis.com/keras-applications"
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class EfficientNet(KerasApplication):
    """An EfficientNet of one topology, whatever its weights.

    The published files hold ImageNet's standard deviation where the Normalization layer keeps a variance
    (github.com/tensorflow/tensorflow/issues/49930), and Keras makes up for it by a second Rescaling layer, which it
    inserts for weights="imagenet" alone: a file that is loaded by its path gives other outputs in silence. Here the
    variance is mended when a file is loaded, and there is never a second layer. The stored value tells whether it
    needs mending, so that published files, files saved from a Keras model of them, files saved from this model and
    files of random networks all give the outputs they were saved with.
    """

    def load(self, model: keras.Model, path: Path) -> None:
        """As for every backbone; then the standard deviation of published files is turned into a variance."""
        import keras
        import numpy as np

        super().load(model, path)
        layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
        stored = layer.adapt_variance.numpy()
        if np.allclose(stored, _IMAGENET_DEVIATION, rtol=1e-3):
            layer.adapt_variance.assign(stored * _IMAGENET_DEVIATION)
            layer.finalize_state()  # the layer computes with a copy, taken here


def _register(
    name: str, function: str, *, ends: tuple[str, ...], feature_width: int, parameters: int, gflops_224: float, md5: str
) -> None:
    file = f"{name}_notop.h5"
    register(
        EfficientNet(
            name=name,
            family="efficientnet",
            module="efficientnet",
            function=function,
            feature_width=feature_width,
            stages=tuple(zip(STAGES, ends, strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            weights_file=WeightsFile(file, md5, f"{_URL}/{file}"),
        )
    )


_register(
    "efficientnetb0",
    "EfficientNetB0",
    ends=("block1a_project_bn", "block2b_add", "block3b_add", "block6d_add", "top_activation"),
    feature_width=1280,
    parameters=4_049_571,
    gflops_224=0.77,
    md5="50bc09e76180e00e4465e1a485ddc09d",
)
