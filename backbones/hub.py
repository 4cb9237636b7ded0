"""Presets of keras-hub (keras.io/keras_hub/presets), by the name `hub:PRESET`.

A preset is a name that keras-hub knows (`hub:resnet_18_imagenet`), a handle (`hub:hf://keras/resnet_18_imagenet`) or a
folder that `save_to_preset` wrote (`hub:/path/to/preset`). keras-hub is optional, and is imported when a network
is built: before that, width and size of a preset are unknown.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones.base import STAGES, Backbone, WeightsError, WeightsFile
from backbones.registry import UnknownBackboneError, register_scheme

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_SCHEME = "hub"
_UNKNOWN_WORK = 4.0  # GFLOPs of a network of medium size: orders runs and estimates the time left before it is built


@dataclass(frozen=True)
class PresetWeights(WeightsFile):
    """The weights of a preset, whatever data it was trained on.

    Attributes:
        folder: folder of the preset on this machine; None: keras-hub downloads the preset.
    """

    folder: Path | None

    def place(self, models: Path) -> Path:
        """In the preset's folder."""
        return (self.folder or Path()) / self.name

    def is_at(self, path: Path) -> bool:
        """Whether the file exists; assumed of a preset that keras-hub downloads."""
        return self.folder is None or path.is_file()

    def remedy(self, models: Path) -> str:
        """Save the weights with the preset."""
        return f"Save them with the preset (save_to_preset), into {self.folder}"

    def given(self, models: Path) -> str | Path:
        """The file of a preset in a folder: runs are named by its content."""
        return super().given(models) if self.folder is None else self.place(models)


@dataclass(frozen=True, kw_only=True)
class HubPreset(Backbone):
    """A network that a keras-hub preset describes, its input prepared by the preset's own image converter.

    Width and size are not declared: the built network tells. `imagenet` means the preset's own weights.

    Attributes:
        preset: name, handle or folder for keras-hub.
    """

    preset: str

    def architecture(self) -> keras.Model:
        """The network with freshly drawn variables."""
        return self._from_preset(load_weights=False)

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """Applies the preset's converter without its resizing: the harness sets the resolution."""
        import tensorflow as tf

        return tf.cast(_converter(self.preset)(images), tf.float32)

    def build(self, weights: str | Path, *, seed: int = 0) -> keras.Model:
        """See `Backbone.build`; `imagenet` means the preset's own weights.

        Raises:
            WeightsError: keras-hub does not know or cannot load the preset, the preset is no image network with a
                feature map or has no image converter, or the weights are of another network.
        """
        model = self._from_preset(load_weights=True) if weights == "imagenet" else super().build(weights, seed=seed)
        _converter(self.preset)  # fails here rather than while training
        return model

    def stages_of(self, model: keras.Model) -> tuple[tuple[str, str], ...]:
        """The levels of the network's feature pyramid, if any, and its end."""
        levels = getattr(model, "pyramid_outputs", {})
        found = [(stage, levels.get(f"P{number}")) for number, stage in enumerate(STAGES[:-1], start=1)]
        ends = [(stage, _layer(model, output)) for stage, output in found if output is not None]
        return (*((s, layer) for s, layer in ends if layer), (STAGES[-1], model.output._keras_history.operation.name))

    def _from_preset(self, *, load_weights: bool) -> keras.Model:
        with _named_errors(self.preset):
            import keras_hub

            model = keras_hub.models.Backbone.from_preset(self.preset, load_weights=load_weights)
        _check_is_image_network(model, self.preset)
        return model


@cache
def _converter(preset: str) -> Any:
    with _named_errors(preset):
        import keras_hub

        return keras_hub.layers.ImageConverter.from_preset(preset, image_size=None, dtype="float32")


@contextmanager
def _named_errors(preset: str) -> Iterator[None]:
    """Turns any error of keras-hub into a WeightsError, one line that names the preset."""
    try:
        yield
    except Exception as error:  # of keras-hub, Keras, requests, kagglehub or the file system
        line = str(error).strip().partition("\n")[0]
        raise WeightsError(f"keras-hub preset '{preset}': {line or type(error).__name__}{_hint(preset)}") from error


def _hint(preset: str) -> str:
    import keras_hub

    nearest = difflib.get_close_matches(preset, keras_hub.models.Backbone.presets, n=1, cutoff=0.6)
    return f" Did you mean '{nearest[0]}'?" if nearest and nearest[0] != preset else ""


def _check_is_image_network(model: Any, preset: str) -> None:
    inputs, outputs = model.inputs, model.outputs
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[-1] != 3:
        raise WeightsError(f"keras-hub preset '{preset}' ({type(model).__name__}) takes no images (B, H, W, 3).")
    if len(outputs) != 1 or len(outputs[0].shape) != 4:
        shapes = ", ".join(str(output.shape) for output in outputs)
        raise WeightsError(
            f"keras-hub preset '{preset}' ({type(model).__name__}) gives {shapes}, and a feature map (B, h, w, F) was "
            "expected."
        )


def _layer(model: Any, output: Any) -> str | None:
    """The layer with that output, if the rest of the network reads nothing else."""
    import keras

    name: str = output._keras_history.operation.name
    try:
        keras.Model(output, model.output)
    except ValueError:
        return None
    return name


def _adapter(preset: str) -> HubPreset:
    """The adapter of `hub:PRESET`.

    Raises:
        UnknownBackboneError: keras-hub is not installed, or the folder is no preset.
    """
    if find_spec("keras_hub") is None:
        raise UnknownBackboneError(
            f"{_SCHEME}:{preset} needs keras-hub, which is not installed: pip install 'petalbench[hub]'."
        )
    folder = _folder(preset)
    preset = str(folder) if folder else preset
    last = preset.rstrip("/").rpartition("/")[2]
    return HubPreset(
        name=f"{_SCHEME}:{preset}",
        family=f"{_SCHEME}-{re.split('[_-]', last)[0]}",
        preset=preset,
        feature_width=0,
        stages=(),
        parameters=0,
        gflops_224=_UNKNOWN_WORK,
        weights_file=PresetWeights(name="model.weights.h5", digest=None, url="", folder=folder),
    )


def _folder(preset: str) -> Path | None:
    """The absolute path of a preset's folder; None: a name or handle."""
    path = Path(preset.removeprefix("file://")).expanduser()
    if not preset.startswith(("file://", "/", ".", "~")) and not path.is_dir():
        return None
    if not (path / "config.json").is_file():
        raise UnknownBackboneError(
            f"Unknown backbone '{_SCHEME}:{preset}': there is no preset at {path} (a folder with config.json, as "
            "save_to_preset writes)."
        )
    return path.resolve()


register_scheme(_SCHEME, _adapter)
