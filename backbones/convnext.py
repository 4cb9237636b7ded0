"""ConvNeXt (Liu et al., arXiv:2201.03545): takes RGB of 0..255 and rescales inside; no batch normalisation.

A stage's blocks end in a sum that is no layer of Keras, so that a stage ends here with the convolution after it, which
makes the map smaller. The published weights of base and larger were pretrained on ImageNet-21k.
"""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import INSIDE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/convnext"


def _register(size: str, feature_width: int, parameters: int, gflops_224: float, top1: float, sha256: str) -> None:
    keras_name = f"convnext_{size.lower()}"
    file = f"{keras_name}_notop.h5"
    smaller = (f"{keras_name}_downsampling_block_{number}" for number in range(3))
    register(
        KerasApplication(
            name=f"convnext{size.lower()}",
            family="convnext",
            module="convnext",
            function=f"ConvNeXt{size}",
            feature_width=feature_width,
            stages=tuple(zip(STAGES, (f"{keras_name}_stem", *smaller, "layer_normalization"), strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            input_range=INSIDE,
            imagenet_top1=top1,
            weights_file=WeightsFile(file, sha256, f"{_URL}/{file}"),
        )
    )


_register("Tiny", 768, 27_820_128, 8.78, 0.813, "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1")
_register("Small", 768, 49_454_688, 17.15, 0.823, "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab")
_register("Base", 1024, 87_566_464, 30.42, 0.853, "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45")
_register("Large", 1536, 196_230_336, 68.28, 0.863, "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd")
_register(
    "XLarge", 2048, 348_147_968, 121.25, 0.867, "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"
)
