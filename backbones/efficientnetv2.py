"""EfficientNetV2 (Tan and Le, arXiv:2104.00298): takes RGB of 0..255 and rescales inside the network."""

from __future__ import annotations

from backbones.base import STAGES, WeightsFile
from backbones.keras_application import INSIDE, KerasApplication
from backbones.registry import register

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2"


def _register(
    size: str, last: str, feature_width: int, parameters: int, gflops_224: float, native_px: int, top1: float, md5: str
) -> None:
    """`last`: blocks of the first, second, third and fifth group, with which stages end."""
    file = f"efficientnetv2-{size}_notop.h5"
    ends = (_end(group, block) for group, block in zip((1, 2, 3, 5), last, strict=True))
    register(
        KerasApplication(
            name=f"efficientnetv2{size}",
            family="efficientnetv2",
            module="efficientnet_v2",
            function=f"EfficientNetV2{size.upper()}",
            feature_width=feature_width,
            stages=tuple(zip(STAGES, (*ends, "top_activation"), strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            native_px=native_px,
            input_range=INSIDE,
            imagenet_top1=top1,
            weights_file=WeightsFile(file, md5, f"{_URL}/{file}"),
        )
    )


def _end(group: int, block: str) -> str:
    """The layer with which a block ends: B0's first group has one block, which adds no input."""
    return f"block{group}{block}_{'project_activation' if block == 'a' else 'add'}"


_register("b0", "abbe", 1280, 5_919_312, 1.46, 224, 0.787, "893217f2bb855e2983157299931e43ff")
_register("b1", "bccf", 1280, 6_931_124, 2.06, 240, 0.798, "0e80663031ca32d657f9caa404b6ec37")
_register("b2", "bccf", 1408, 8_769_374, 2.37, 260, 0.805, "1dfe2e7a5d45b6632553a8961ea609eb")
_register("b3", "bccg", 1536, 12_930_622, 3.26, 300, 0.820, "f6abf7b5849ac99a89b50dd3fd532856")
_register("s", "bddi", 1280, 20_331_360, 5.75, 384, 0.839, "af0682fb74e8c54910f2d4393339c070")
_register("m", "ceen", 1280, 53_150_388, 10.81, 480, 0.853, "1b8dc055df72dde80d614482840fe342")
_register("l", "dggs", 1280, 117_746_848, 24.62, 480, 0.857, "b0b66b5c863aef5b46e8608fe1711615")
