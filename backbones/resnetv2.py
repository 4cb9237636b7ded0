"""ResNet V2 (He et al., arXiv:1603.05027): normalisation before each convolution; RGB scaled to -1..1."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import MINUS_ONE_TO_ONE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet"


def _register(
    depth: int, blocks: tuple[int, int, int], parameters: int, gflops_224: float, top1: float, md5: str
) -> None:
    """`blocks`: of the second, third and fourth stage."""
    name = f"resnet{depth}v2"
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    ends = (f"conv{i}_block{count}_out" for i, count in enumerate(blocks, start=2))
    register(
        KerasApplication(
            name=name,
            family="resnetv2",
            module="resnet_v2",
            function=f"ResNet{depth}V2",
            feature_width=2048,
            stages=tuple(zip(STAGES, ("pool1_pool", *ends, "post_relu"), strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            input_range=MINUS_ONE_TO_ONE,
            imagenet_top1=top1,
            weights_file=WeightsFile(file, md5, f"{_URL}/{file}"),
        )
    )


_register(50, (3, 4, 6), 23_564_800, 6.99, 0.760, "fac2f116257151a9d068a22e544a4917")
_register(101, (3, 4, 23), 42_626_560, 14.43, 0.772, "c0ed64b8031c3730f411d2eb4eea35b5")
_register(152, (3, 8, 36), 58_331_648, 21.88, 0.780, "ed17cf2e0169df9d443503ef94b23b33")
