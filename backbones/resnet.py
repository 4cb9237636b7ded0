"""ResNet (He et al., arXiv:1512.03385): BGR around zero, unscaled."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet"


def _register(
    name: str, function: str, *, blocks: tuple[int, int, int, int], parameters: int, gflops_224: float, md5: str
) -> None:
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    ends = ("pool1_pool", *(f"conv{i}_block{count}_out" for i, count in enumerate(blocks, start=2)))
    register(
        KerasApplication(
            name=name,
            family="resnet",
            module="resnet",
            function=function,
            feature_width=2048,
            stages=tuple(zip(STAGES, ends, strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            weights_file=WeightsFile(file, md5, f"{_URL}/{file}"),
        )
    )


_register(
    "resnet50",
    "ResNet50",
    blocks=(3, 4, 6, 3),
    parameters=23_587_712,
    gflops_224=7.71,
    md5="4d473c1dd8becc155b73f8504c6f6626",
)
