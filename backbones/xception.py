"""Xception (Chollet, arXiv:1610.02357): RGB scaled to -1..1."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import MINUS_ONE_TO_ONE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/xception"
_FILE = "xception_weights_tf_dim_ordering_tf_kernels_notop.h5"
_ENDS = ("block1_conv2_act", "add", "add_1", "add_10", "block14_sepconv2_act")

register(
    KerasApplication(
        name="xception",
        family="xception",
        module="xception",
        function="Xception",
        feature_width=2048,
        stages=tuple(zip(STAGES, _ENDS, strict=True)),
        parameters=20_861_480,
        gflops_224=9.13,
        gflops_512=47.97,  # its first convolutions do not pad
        smallest_px=71,
        native_px=299,
        input_range=MINUS_ONE_TO_ONE,
        imagenet_top1=0.790,
        weights_file=WeightsFile(_FILE, "b0042744bf5b25fce3cb969f33bebb97", f"{_URL}/{_FILE}"),
    )
)
