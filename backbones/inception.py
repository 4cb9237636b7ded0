"""Inception (Szegedy et al., arXiv:1512.00567 and arXiv:1602.07261): RGB scaled to -1..1."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import MINUS_ONE_TO_ONE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications"
_V3 = ("mixed2", "mixed7", "mixed10")
_RESNET = ("block35_10_ac", "block17_20_ac", "conv_7b_ac")
_V3_MD5, _RESNET_MD5 = "bcbd6486424b2319ff4ef7d526e38f63", "d19885ff4a710c122648d3b5c3b684e4"


def _register(
    function: str,
    module: str,
    ends: tuple[str, str, str],
    feature_width: int,
    parameters: int,
    gflops: tuple[float, float],
    top1: float,
    md5: str,
) -> None:
    """`ends`: of the last three stages; `gflops`: at 224 and 512 px, as convolutions of stride 2 are not padded."""
    file = f"{module}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    gflops_224, gflops_512 = gflops
    register(
        KerasApplication(
            name=function.lower(),
            family="inception",
            module=module,
            function=function,
            feature_width=feature_width,
            stages=tuple(zip(STAGES, ("max_pooling2d", "max_pooling2d_1", *ends), strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            gflops_512=gflops_512,
            smallest_px=75,
            native_px=299,
            input_range=MINUS_ONE_TO_ONE,
            imagenet_top1=top1,
            weights_file=WeightsFile(file, md5, f"{_URL}/{module}/{file}"),
        )
    )


_register("InceptionV3", "inception_v3", _V3, 2048, 21_802_784, (5.69, 35.17), 0.779, _V3_MD5)
_register("InceptionResNetV2", "inception_resnet_v2", _RESNET, 1536, 54_336_736, (12.97, 81.28), 0.803, _RESNET_MD5)
