"""Kept networks: a trained network as a file that Keras alone can load, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

import backbones
from bench.errors import UserError
from bench.jobs.messages import Kept
from bench.training.failures import first_line
from bench.training.features.head_trainer import HeadTrainer
from bench.training.loop.steps import Training
from bench.training.network.head import map_head
from bench.training.network.network import fuse, unfuse
from bench.training.network.optimizer import averaged
from bench.training.network.scale import build_backbone


def save_model(training: Training, path: Path) -> Path:
    """Writes `model.keras`: prepared images (B, H, W, 3) -> probabilities (B, C), of averaged weights if there are any.

    Images are prepared by the backbone's adapter, `backbones.get(NAME).prepare`.
    """
    model = training.network.model
    unfuse(model)
    with averaged(training.recipe, training.optimizer, training.network.trainable_variables):
        _write(model.input, model.output, path, name=model.name)
    fuse(model)
    return path


def save_frozen(trainer: HeadTrainer, backbone: keras.Model | None, path: Path) -> Path:
    """Writes `model.keras` of a head that trained on pooled features.

    Args:
        trainer: holds the trained head.
        backbone: to be saved with it: prepared images (B, H, W, 3) -> probabilities (B, C). None: the head alone, from
            the last feature map (B, h, w, F).
        path: of the file.
    """
    maps = keras.Input((None, None, trainer.width), name="map") if backbone is None else backbone.output
    logits = map_head(trainer.recipe.layers, maps, trainer.classes, seed=0)
    head = keras.Model(maps, logits)
    head.set_weights(trainer.model.get_weights())  # the same layers in the same order, under other names
    _write(maps if backbone is None else backbone.input, logits, path)
    return path


def load_kept(kept: Kept) -> keras.Model:
    """Prepared images (B, H, W, 3) -> probabilities (B, C), float32.

    Raises:
        UserError: the file was written by another Keras, or the backbone's weights cannot be had or are another's.
    """
    try:
        model = keras.models.load_model(kept.model, compile=False)
    except (TypeError, ValueError, ImportError) as error:  # layers or settings that this Keras does not know
        raise UserError(
            f"Keras {keras.__version__} cannot load what {kept.run_id} kept: {first_line(error).rstrip('.')}. `show "
            f"{kept.run_id}` says which version wrote it."
        ) from error
    if kept.weights is None:
        return model
    backbone = build_backbone(backbones.get(kept.backbone), kept.weights, seed=0)
    return keras.Model(backbone.input, model(backbone.output))


def _write(inputs: Any, logits: Any, path: Path, **name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(logits)
    keras.Model(inputs, probabilities, **name).save(path)
