"""What every backbone declares and can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones.weights_file import WeightsError, WeightsFile

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["STAGES", "Backbone", "WeightsError", "WeightsFile"]

# Shared by all families, so that one recipe ("train from stage5 on") serves every backbone.
STAGES = ("stage1", "stage2", "stage3", "stage4", "stage5")


@dataclass(frozen=True, kw_only=True)
class Backbone(ABC):
    """A convolutional network without its top: what it is, how it is built and how its input is prepared.

    A family subclasses this, says what `architecture` and `rescale` do, and registers one instance per variant.

    Attributes:
        name: what the command line calls it.
        family: the file it lives in; an ensemble takes at most so many members of one.
        feature_width: F, channels of the last feature map.
        stages: (stage, layer) pairs in order, the stages being `STAGES`: the layer with which each stage ends. The
            output of such a layer is all that the rest of the network reads, so that the network can be cut there.
        parameters: how many numbers the network without its top holds.
        gflops_224: one forward pass of one 224 x 224 image, in 1e9 floating-point operations, 2 x multiply-adds of
            the convolutions.
        weights_file: the ImageNet weights; None where there are none.
        smallest_px: the smallest side of an image.
    """

    name: str
    family: str
    feature_width: int
    stages: tuple[tuple[str, str], ...]
    parameters: int
    gflops_224: float
    weights_file: WeightsFile | None
    smallest_px: int = 32

    @abstractmethod
    def architecture(self) -> keras.Model:
        """The network with freshly drawn variables: prepared images in, last feature map out."""

    @abstractmethod
    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """Bring float32 images of 0..255 (B, H, W, 3) to the range and channel order the network expects."""

    def stages_of(self, model: keras.Model) -> tuple[tuple[str, str], ...]:
        """The stages of a network that `build` made. All of `STAGES`, unless a network has not as many."""
        return self.stages

    def prepare(self, images: Any) -> tf.Tensor:
        """Images as the network expects them; the argument is left as it is. Works inside `tf.function`.

        Args:
            images: uint8 or float32 RGB of 0..255, (B, H, W, 3), an array or a tensor.

        Returns:
            A float32 tensor of the same shape.
        """
        import tensorflow as tf

        # float32 first: on uint8, preprocess_input wraps around (VGG, ResNet) or raises (DenseNet). A tensor always:
        # a float32 numpy array would be overwritten in place.
        return self.rescale(tf.cast(images, tf.float32))

    def build(self, weights: str | Path, *, seed: int = 0) -> keras.Model:
        """Build the network: prepared float32 images (B, H, W, 3) in, last feature map (B, h, w, F) out.

        Args:
            weights: `"random"`, `"imagenet"` or the path of a weights file without a top (`.h5`, `.weights.h5`).
            seed: decides the random variables, and the noise of layers such as Dropout. The same seed gives the same
                variables in every process.

        Raises:
            WeightsError: the weights cannot be had, or are not those of this network.
        """
        from backbones import loading

        with loading.seeded(seed):
            model = self.architecture()
        if weights != "random":
            self.load(model, self._file(weights))
        return model

    def load(self, model: keras.Model, path: Path) -> None:
        """Set every variable of a model that `architecture` made from a weights file.

        Raises:
            WeightsError: not a weights file, or not one of this network without its top.
        """
        from backbones import loading

        loading.load(model, path, self.name)

    def _file(self, weights: str | Path) -> Path:
        if weights != "imagenet":
            return Path(weights)
        if self.weights_file is None:
            raise WeightsError(f"{self.name} has no ImageNet weights: use 'random' or the path of a weights file.")
        from backbones import loading

        return loading.fetch(self.weights_file)
