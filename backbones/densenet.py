"""DenseNet (Huang et al., arXiv:1608.06993): RGB scaled to 0..1, then to ImageNet's mean and standard deviation."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/densenet"
_ENDS = ("pool1", "pool2_pool", "pool3_pool", "pool4_pool", "relu")


def _register(name: str, function: str, *, feature_width: int, parameters: int, gflops_224: float, md5: str) -> None:
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    register(
        KerasApplication(
            name=name,
            family="densenet",
            module="densenet",
            function=function,
            feature_width=feature_width,
            stages=tuple(zip(STAGES, _ENDS, strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            weights_file=WeightsFile(file, md5, f"{_URL}/{file}"),
        )
    )


_register(
    "densenet121",
    "DenseNet121",
    feature_width=1024,
    parameters=7_037_504,
    gflops_224=5.67,
    md5="30ee3e1110167f948a6b9946edeeb738",
)
