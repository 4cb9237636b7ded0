"""DenseNet (Huang et al., arXiv:1608.06993): RGB scaled to 0..1, then to ImageNet's mean and standard deviation."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import TORCH, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/densenet"
_ENDS = ("pool1", "pool2_pool", "pool3_pool", "pool4_pool", "relu")


def _register(depth: int, feature_width: int, parameters: int, gflops_224: float, top1: float, md5: str) -> None:
    name = f"densenet{depth}"
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    register(
        KerasApplication(
            name=name,
            family="densenet",
            module="densenet",
            function=f"DenseNet{depth}",
            feature_width=feature_width,
            stages=tuple(zip(STAGES, _ENDS, strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            input_range=TORCH,
            imagenet_top1=top1,
            weights_file=WeightsFile(file, md5, f"{_URL}/{file}"),
        )
    )


_register(121, 1024, 7_037_504, 5.70, 0.750, "30ee3e1110167f948a6b9946edeeb738")
_register(169, 1664, 12_642_880, 6.76, 0.762, "b8c4d4c20dd625c148057b9ff1c1176b")
_register(201, 1920, 18_321_984, 8.63, 0.773, "c13680b51ded0fb44dff2d8f86ac8bb1")
