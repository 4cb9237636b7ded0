"""VGG (Simonyan and Zisserman, arXiv:1409.1556): BGR around zero, unscaled; no batch normalisation."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import CAFFE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications"


def _register(name: str, *, parameters: int, gflops_224: float, top1: float, md5: str) -> None:
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    register(
        KerasApplication(
            name=name,
            family="vgg",
            module=name,
            function=name.upper(),
            feature_width=512,
            stages=tuple(zip(STAGES, (f"block{i}_pool" for i in range(1, 6)), strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            input_range=CAFFE,
            imagenet_top1=top1,
            weights_file=WeightsFile(file, md5, f"{_URL}/{name}/{file}"),
        )
    )


_register("vgg16", parameters=14_714_688, gflops_224=30.71, top1=0.713, md5="6d6bbae143d832006294945121d1f1fc")
_register("vgg19", parameters=20_024_384, gflops_224=39.04, top1=0.713, md5="253f8cb515780f3b799900260a226db6")
