"""MobileNetV2 (Sandler et al., arXiv:1801.04381) and V3 (Howard et al., arXiv:1905.02244).

V2 takes RGB scaled to -1..1; V3 takes RGB of 0..255 and rescales inside the network.
"""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import INSIDE, KERAS_DOCUMENTATION, MINUS_ONE_TO_ONE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications"
_V2 = ("expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add", "out_relu")
_SMALL = ("activation", "expanded_conv_project_bn", "expanded_conv_2_add", "expanded_conv_7_add", "activation_17")
_LARGE = ("expanded_conv_add", "expanded_conv_2_add", "expanded_conv_5_add", "expanded_conv_11_add", "activation_19")
_V2_FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
_SMALL_FILE = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
_LARGE_FILE = "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5"
_SMALL_MD5, _LARGE_MD5 = "d3e8ec802a04aa4fc771ee12a9a9b836", "07fb09a5933dd0c8eaafa16978110389"


def _register(
    function: str,
    module: str,
    ends: tuple[str, ...],
    feature_width: int,
    parameters: int,
    gflops_224: float,
    top1: float,
    file: str,
    md5: str | None,
) -> None:
    """Keras asks for the file of MobileNetV2 without a hash."""
    is_v2 = module == "mobilenet_v2"
    register(
        KerasApplication(
            name=function.lower(),
            family="mobilenet",
            module=module,
            function=function,
            feature_width=feature_width,
            stages=tuple(zip(STAGES, ends, strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            input_range=MINUS_ONE_TO_ONE if is_v2 else INSIDE,
            imagenet_top1=top1,
            top1_source=KERAS_DOCUMENTATION if is_v2 else f"{KERAS_DOCUMENTATION}/mobilenet",
            weights_file=WeightsFile(file, md5, f"{_URL}/{module}/{file}"),
        )
    )


_register("MobileNetV2", "mobilenet_v2", _V2, 1280, 2_257_984, 0.61, 0.713, _V2_FILE, None)
_register("MobileNetV3Small", "mobilenet_v3", _SMALL, 576, 939_120, 0.116, 0.681, _SMALL_FILE, _SMALL_MD5)
_register("MobileNetV3Large", "mobilenet_v3", _LARGE, 960, 2_996_352, 0.443, 0.756, _LARGE_FILE, _LARGE_MD5)
