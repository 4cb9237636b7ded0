"""`Backbone`: the interface of every network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones import loading
from backbones.weights_file import WeightsError, WeightsFile

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["STAGES", "Backbone", "BackboneError", "WeightsError", "WeightsFile"]

# Shared by all families, so that one recipe ("train from stage5 on") serves every backbone.
STAGES = ("stage1", "stage2", "stage3", "stage4", "stage5")


class BackboneError(ValueError):
    """A network that differs from the declaration of its adapter. One line, naming the backbone."""


@dataclass(frozen=True, kw_only=True)
class Backbone(ABC):
    """A convolutional network without its top: its properties, construction and input preparation.

    A family subclasses this, implements `architecture` and `rescale`, and registers one instance per variant.

    Attributes:
        name: name on the command line.
        family: name of its file; ensembles limit the number of members of one family.
        feature_width: F, channels of the last feature map; 0 if only the built network tells.
        stages: (stage, layer) pairs in order, the stages being `STAGES`: the layer with which each stage ends. The
            rest of the network reads nothing but the output of that layer, so that the network can be cut there.
        parameters: number of parameters without the top.
        gflops_224: one forward pass of one 224 x 224 image without the top, in 1e9 floating-point operations
            (2 x multiply-adds), as TensorFlow's profiler counts them.
        weights_file: the ImageNet weights; None: not published.
        gflops_512: the same of one 512 x 512 image, if it does not grow with the number of pixels.
        smallest_px: the smallest side of an image.
        largest_px: the largest side of an image; None: no limit. The same as the smallest: a fixed size.
        native_px: the side of the images that the ImageNet weights were published for.
        input_range: range and channel order that `rescale` gives, as text.
        imagenet_top1: accuracy of the published weights with their top on ImageNet's validation set, 0..1.
        top1_source: source of `imagenet_top1`.
    """

    name: str
    family: str
    feature_width: int
    stages: tuple[tuple[str, str], ...]
    parameters: int
    gflops_224: float
    weights_file: WeightsFile | None
    gflops_512: float | None = None
    smallest_px: int = 32
    largest_px: int | None = None
    native_px: int = 224
    input_range: str = ""
    imagenet_top1: float | None = None
    top1_source: str = ""

    def gflops_at(self, px: int) -> float:
        """One forward pass of one image of `px` x `px`, in 1e9 floating-point operations (see `gflops_224`)."""
        if px == 512 and self.gflops_512 is not None:
            return self.gflops_512
        return self.gflops_224 * (px / 224) ** 2

    @property
    def sides(self) -> str:
        """The sides that an image may have, as text."""
        if self.largest_px is None:
            return f"at least {self.smallest_px} px"
        if self.largest_px == self.smallest_px:
            return f"exactly {self.smallest_px} px"
        return f"{self.smallest_px} to {self.largest_px} px"

    def nearest_px(self, px: int) -> int:
        """The side nearest to `px` that an image may have."""
        least = max(px, self.smallest_px)
        return least if self.largest_px is None else min(least, self.largest_px)

    @abstractmethod
    def architecture(self) -> keras.Model:
        """The network with freshly drawn variables: prepared images in, last feature map out."""

    @abstractmethod
    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """Brings float32 images of 0..255 (B, H, W, 3) to the range and channel order that the network expects."""

    def stages_of(self, model: keras.Model) -> tuple[tuple[str, str], ...]:
        """The stages of a network that `build` made. All of `STAGES`, unless the network has fewer."""
        return self.stages

    def prepare(self, images: Any) -> tf.Tensor:
        """Images as the network expects them; the argument is not changed. Works inside `tf.function`.

        Args:
            images: uint8 or float32 RGB of 0..255, (B, H, W, 3), an array or a tensor.

        Returns:
            A float32 tensor of the same shape.
        """
        import tensorflow as tf

        # float32 first: on uint8, preprocess_input wraps around (VGG, ResNet) or raises (DenseNet). Always a tensor:
        # a float32 numpy array would be overwritten in place.
        return self.rescale(tf.cast(images, tf.float32))

    def build(self, weights: str | Path, *, seed: int = 0) -> keras.Model:
        """Builds the network: prepared float32 images (B, H, W, 3) in, last feature map (B, h, w, F) out.

        Args:
            weights: `"random"`, `"imagenet"` or the path of a weights file without a top (`.h5`, `.weights.h5`).
            seed: seed of the random variables, and of the noise of layers such as Dropout. The same seed gives the
                same variables in every process.

        Raises:
            WeightsError: the weights are not available, or are not those of this network.
            BackboneError: the network differs from the declared properties.
        """
        with loading.seeded(seed):
            model = self.architecture()
        self._check(model)
        if weights != "random":
            self.load(model, self._file(weights))
        return model

    def load(self, model: keras.Model, path: Path) -> None:
        """Sets every variable of a model that `architecture` made from a weights file.

        Raises:
            WeightsError: not a weights file, or not one of this network without its top.
        """
        loading.load(model, path, self.name)

    def _check(self, model: keras.Model) -> None:
        """Compares the network with its declaration, before a run trains the wrong layers."""
        shape = model.output_shape
        if self.feature_width and (len(shape) != 4 or shape[-1] != self.feature_width):
            raise BackboneError(
                f"{self.name} declares a feature map of (batch, height, width, {self.feature_width}), and its network "
                f"gives {shape}."
            )
        layers = {layer.name for layer in model.layers}
        missing = [f"'{layer}', the end of {stage}" for stage, layer in self.stages if layer not in layers]
        if missing:
            raise BackboneError(f"{self.name} has no layer {missing[0]}.")

    def _file(self, weights: str | Path) -> Path:
        if weights != "imagenet":
            return Path(weights)
        if self.weights_file is None:
            raise WeightsError(f"{self.name} has no ImageNet weights: use 'random' or the path of a weights file.")
        return loading.fetch(self.weights_file)
