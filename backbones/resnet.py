"""ResNet (He et al., arXiv:1512.03385): BGR around zero, unscaled."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import CAFFE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet"


def _register(
    depth: int, blocks: tuple[int, int, int, int], parameters: int, gflops_224: float, top1: float, md5: str
) -> None:
    """`blocks`: of the second to the fifth stage."""
    name = f"resnet{depth}"
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    ends = ("pool1_pool", *(f"conv{i}_block{count}_out" for i, count in enumerate(blocks, start=2)))
    register(
        KerasApplication(
            name=name,
            family="resnet",
            module="resnet",
            function=f"ResNet{depth}",
            feature_width=2048,
            stages=tuple(zip(STAGES, ends, strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            input_range=CAFFE,
            imagenet_top1=top1,
            weights_file=WeightsFile(file, md5, f"{_URL}/{file}"),
        )
    )


_register(50, (3, 4, 6, 3), 23_587_712, 7.75, 0.749, "4d473c1dd8becc155b73f8504c6f6626")
_register(101, (3, 4, 23, 3), 42_658_176, 15.19, 0.764, "88cf7a10940856eca736dc7b7e228a21")
_register(152, (3, 8, 36, 3), 58_370_944, 22.64, 0.766, "ee4c566cf9a93f14d82f913c2dc6dd0c")
