"""EfficientNet (Tan and Le, arXiv:1905.11946): takes RGB of 0..255 and rescales inside the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import INSIDE, KerasApplication
from backbones.registry import register

if TYPE_CHECKING:
    import keras

_URL = "https://storage.googleapis.com/keras-applications"
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class EfficientNet(KerasApplication):
    """An EfficientNet of the same topology for all weights.

    The published files hold ImageNet's standard deviation where the Normalization layer keeps a variance
    (github.com/tensorflow/tensorflow/issues/49930), and Keras compensates by a second Rescaling layer, which it
    inserts for weights="imagenet" alone: a file that is loaded by its path gives other outputs in silence. Here the
    variance is corrected when a file is loaded, and there is never a second layer. The stored value tells whether it
    needs the correction, so that published files, files saved from a Keras model of them, from this model or from a
    random network all give the outputs they were saved with.
    """

    def load(self, model: keras.Model, path: Path) -> None:
        """See `Backbone.load`; then the standard deviation of published files is turned into a variance."""
        import keras
        import numpy as np

        super().load(model, path)
        layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
        stored = layer.adapt_variance.numpy()
        if np.allclose(stored, _IMAGENET_DEVIATION, rtol=1e-3):
            layer.adapt_variance.assign(stored * _IMAGENET_DEVIATION)
            layer.finalize_state()  # the layer computes with a copy, taken here


def _register(
    number: int,
    last: str,
    feature_width: int,
    parameters: int,
    gflops_224: float,
    native_px: int,
    top1: float,
    md5: str,
) -> None:
    """`last`: blocks of the first, second, third and sixth group, with which stages end."""
    name = f"efficientnetb{number}"
    file = f"{name}_notop.h5"
    ends = (_end(group, block) for group, block in zip((1, 2, 3, 6), last, strict=True))
    register(
        EfficientNet(
            name=name,
            family="efficientnet",
            module="efficientnet",
            function=f"EfficientNetB{number}",
            feature_width=feature_width,
            stages=tuple(zip(STAGES, (*ends, "top_activation"), strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            native_px=native_px,
            input_range=INSIDE,
            imagenet_top1=top1,
            weights_file=WeightsFile(file, md5, f"{_URL}/{file}"),
        )
    )


def _end(group: int, block: str) -> str:
    """The layer with which a block ends: the first of a group changes the number of channels, and adds no input."""
    return f"block{group}{block}_{'project_bn' if block == 'a' else 'add'}"


_register(0, "abbd", 1280, 4_049_571, 0.80, 224, 0.771, "50bc09e76180e00e4465e1a485ddc09d")
_register(1, "bcce", 1280, 6_575_239, 1.18, 240, 0.791, "74c4e6b3e1f6a1eea24c589628592432")
_register(2, "bcce", 1408, 7_768_569, 1.36, 260, 0.801, "111f8e2ac8aa800a7a99e3239f7bfb39")
_register(3, "bccf", 1536, 10_783_535, 1.98, 300, 0.816, "af6d107764bb5b1abb91932881670226")
_register(4, "bddh", 1792, 17_673_823, 3.08, 380, 0.829, "ebc24e6d6c33eaebbd558eafbeedf1ba")
_register(5, "ceei", 2048, 28_513_527, 4.82, 456, 0.836, "38879255a25d3c92d5e44e04ae6cec6f")
_register(6, "cffk", 2304, 40_960_143, 6.86, 528, 0.840, "9ecce42647a20130c1f39a5d4cb75743")
_register(7, "dggm", 2560, 64_097_687, 10.53, 600, 0.843, "cbcfe4450ddf6f3ad90b1b398090fe4a")
