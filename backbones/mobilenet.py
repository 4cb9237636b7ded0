"""MobileNetV2 (Sandler et al., arXiv:1801.04381) and V3 (Howard et al., arXiv:1905.02244).

V2 takes RGB scaled to -1..1; V3 takes RGB of 0..255 and rescales inside the network.
"""

from __future__ import annotations

from typing import NamedTuple

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import INSIDE, KERAS_DOCUMENTATION, MINUS_ONE_TO_ONE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications"


class _Variant(NamedTuple):
    function: str
    module: str
    ends: tuple[str, ...]
    feature_width: int
    parameters: int
    gflops_224: float
    top1: float
    file: str
    md5: str | None  # Keras asks for MobileNetV2's without a hash


_V2 = ("expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add", "out_relu")
_SMALL = ("activation", "expanded_conv_project_bn", "expanded_conv_2_add", "expanded_conv_7_add", "activation_17")
_LARGE = ("expanded_conv_add", "expanded_conv_2_add", "expanded_conv_5_add", "expanded_conv_11_add", "activation_19")
_V2_FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
_SMALL_FILE = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
_LARGE_FILE = "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5"
_SMALL_MD5, _LARGE_MD5 = "d3e8ec802a04aa4fc771ee12a9a9b836", "07fb09a5933dd0c8eaafa16978110389"
_VARIANTS = (
    _Variant("MobileNetV2", "mobilenet_v2", _V2, 1280, 2_257_984, 0.61, 0.713, _V2_FILE, None),
    _Variant("MobileNetV3Small", "mobilenet_v3", _SMALL, 576, 939_120, 0.116, 0.681, _SMALL_FILE, _SMALL_MD5),
    _Variant("MobileNetV3Large", "mobilenet_v3", _LARGE, 960, 2_996_352, 0.443, 0.756, _LARGE_FILE, _LARGE_MD5),
)


def _adapter(variant: _Variant) -> KerasApplication:
    is_v2 = variant.module == "mobilenet_v2"
    return KerasApplication(
        name=variant.function.lower(),
        family="mobilenet",
        module=variant.module,
        function=variant.function,
        feature_width=variant.feature_width,
        stages=tuple(zip(STAGES, variant.ends, strict=True)),
        parameters=variant.parameters,
        gflops_224=variant.gflops_224,
        input_range=MINUS_ONE_TO_ONE if is_v2 else INSIDE,
        imagenet_top1=variant.top1,
        top1_source=KERAS_DOCUMENTATION if is_v2 else f"{KERAS_DOCUMENTATION}/mobilenet",
        weights_file=WeightsFile(variant.file, variant.md5, f"{_URL}/{variant.module}/{variant.file}"),
    )


for _variant in _VARIANTS:
    register(_adapter(_variant))
