"""Kept networks, saved and loaded: the same probabilities for every start of the backbone."""

from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
from helpers_training import CLASSES, examples, recipe, training
from keras.src.legacy.saving import legacy_h5_format

import backbones
from bench.config.recipe import load_recipe
from bench.errors import UserError
from bench.jobs.messages import Kept
from bench.training.features.head_trainer import Features, HeadTrainer
from bench.training.kept import load_kept, save_frozen, save_model
from bench.training.network.network import Network
from bench.training.network.scale import reestimate

PX = 48


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """EfficientNetB0 as keras.applications publishes it: the older layout, a deviation in place of a variance."""
    model = backbones.get("efficientnetb0").build("random", seed=3)
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    layer.adapt_mean.assign([0.485, 0.456, 0.406])
    layer.adapt_variance.assign([0.229, 0.224, 0.225])
    path = tmp_path_factory.mktemp("published") / "efficientnetb0_notop.h5"
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def prepared():
    images = np.random.default_rng(1).integers(0, 256, (4, PX, PX, 3)).astype(np.uint8)
    return np.asarray(backbones.get("efficientnetb0").prepare(images))


def kept(path, weights=None):
    return Kept(run_id="r", model=str(path), backbone="efficientnetb0", image_px=PX, weights=weights)


@pytest.mark.parametrize("start", ["random", "published"])
def test_efficientnet_trained_whole(start, published, tmp_path):
    adapter, asked = backbones.get("efficientnetb0"), recipe()
    backbone = adapter.build(published if start == "published" else start)
    reestimate(backbone, [prepared()])
    network = Network.of(adapter, backbone, asked, CLASSES, 0)
    made = replace(training(asked, examples(4), examples(4)), network=network)
    expected = keras.ops.softmax(network.model(prepared(), training=False))
    loaded = load_kept(kept(save_model(made, tmp_path / "model.keras")))
    found = loaded(prepared(), training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    unscaled = loaded(prepared() / 255, training=False)  # and the input's scale shows, where it is wrong
    assert np.abs(np.asarray(unscaled) - np.asarray(expected)).max() > 1e-4


def test_a_head_on_published_efficientnet(published, tmp_path):
    adapter = backbones.get("efficientnetb0")
    trainer = HeadTrainer(load_recipe("frozen"), 1280, CLASSES)
    backbone = adapter.build(published)
    maps = np.asarray(backbone(prepared(), training=False))
    features = Features(maps.mean(axis=(1, 2))[None], maps.var(axis=(1, 2))[None])
    mean, spread = features.mean[0].mean(axis=0), features.mean[0].var(axis=0)
    for variable in trainer.model.variables:  # as after a training: statistics that do something
        if variable.name in ("moving_mean", "moving_variance"):
            variable.assign(mean if variable.name == "moving_mean" else spread + 1e-6)
    path = save_frozen(trainer, None, tmp_path / "head.keras")
    found = load_kept(kept(path, str(published)))(prepared(), training=False)
    np.testing.assert_allclose(found, np.exp(trainer.log_probs(features)), atol=1e-5)
    assert keras.models.load_model(path).input_shape == (None, None, None, 1280)  # the head alone


def test_a_kept_network_needs_keras_alone(trained):
    """In a process that does not import our layers."""
    import subprocess
    import sys

    files = [str(trained.run(name).model) for name in ("tuned", "frozen", "head")]
    code = f"import keras\nfor file in {files!r}: print(keras.models.load_model(file).output_shape)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["(None, 4)"] * 3


def test_a_file_that_this_keras_cannot_load_is_named(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"of another time")
    with pytest.raises(UserError, match=r"Keras .* cannot load what r kept: .*`show r` says which version wrote it"):
        load_kept(kept(tmp_path / "model.keras"))
