"""ResNet (He et al., arXiv:1512.03385): BGR around zero, unscaled."""

from __future__ import annotations

from typing import NamedTuple

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import CAFFE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet"


class _Variant(NamedTuple):
    depth: int
    blocks: tuple[int, int, int, int]
    parameters: int
    gflops_224: float
    top1: float
    md5: str


_VARIANTS = (
    _Variant(50, (3, 4, 6, 3), 23_587_712, 7.75, 0.749, "4d473c1dd8becc155b73f8504c6f6626"),
    _Variant(101, (3, 4, 23, 3), 42_658_176, 15.19, 0.764, "88cf7a10940856eca736dc7b7e228a21"),
    _Variant(152, (3, 8, 36, 3), 58_370_944, 22.64, 0.766, "ee4c566cf9a93f14d82f913c2dc6dd0c"),
)


def _adapter(variant: _Variant) -> KerasApplication:
    name = f"resnet{variant.depth}"
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    ends = ("pool1_pool", *(f"conv{i}_block{count}_out" for i, count in enumerate(variant.blocks, start=2)))
    return KerasApplication(
        name=name,
        family="resnet",
        module="resnet",
        function=f"ResNet{variant.depth}",
        feature_width=2048,
        stages=tuple(zip(STAGES, ends, strict=True)),
        parameters=variant.parameters,
        gflops_224=variant.gflops_224,
        input_range=CAFFE,
        imagenet_top1=variant.top1,
        weights_file=WeightsFile(file, variant.md5, f"{_URL}/{file}"),
    )


for _variant in _VARIANTS:
    register(_adapter(_variant))
