"""The trained network as a file of Keras that needs nothing of ours to be loaded."""

from __future__ import annotations

from pathlib import Path

import keras

from bench.training.fused import fuse, unfuse
from bench.training.optimizing import averaged
from bench.training.setting import Training


def save_model(training: Training, path: Path) -> Path:
    """Writes `model.keras`: prepared images (B, H, W, 3) -> probabilities (B, C), of averaged weights where there are.

    What prepares the images is the backbone's adapter, `backbones.get(NAME).prepare`.
    """
    model = training.network.model
    path.parent.mkdir(parents=True, exist_ok=True)
    unfuse(model)
    with averaged(training.recipe, training.optimizer, training.network.trainable_variables):
        probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(model.output)
        keras.Model(model.inputs, probabilities, name=model.name).save(path)
    fuse(model)
    return path
