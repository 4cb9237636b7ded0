"""`--weights DIR`: files of the published form, made here, from the folder to a stored run."""

from __future__ import annotations

import dataclasses
import hashlib
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pytest
from helpers_data import make_data
from keras.src.legacy.saving import legacy_h5_format

import backbones
from backbones import registry
from backbones.base import WeightsFile
from bench.config.recipe import load_recipe
from bench.data.scan import scan
from bench.data.source import find
from bench.errors import UserError
from bench.jobs.messages import TrainJob
from bench.matrix import weights
from bench.matrix.plan import choose_weights, planned_runs, weights_name
from bench.matrix.request import Options
from bench.store.store import Store
from bench.training.frozen import run_frozen
from bench.training.network.scale import build_backbone

pytestmark = [
    pytest.mark.usefixtures("own_registry"),
    # Keras itself: its writer of the older layout under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
NAME = "tiny_notop.h5"


def written(model, path):
    """As keras.applications publishes: the older layout."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def publish(path, algorithm="sha256"):
    """Declares the file to be what is published of `tiny`."""
    digest = hashlib.new(algorithm, path.read_bytes()).hexdigest() if algorithm else None
    file = WeightsFile(NAME, digest, f"https://example.org/{NAME}")
    registry._registered["tiny"] = dataclasses.replace(backbones.get("tiny"), weights_file=file)


@pytest.fixture
def network():
    return backbones.get("tiny").build("random", seed=11)


@pytest.fixture
def folder(tmp_path, network):
    (tmp_path / "by-hand").mkdir()
    publish(written(network, tmp_path / "by-hand" / NAME))
    return tmp_path / "by-hand"


def test_the_run_is_that_of_imagenet_and_starts_from_the_file(folder, network, tmp_path):
    data = make_data(tmp_path / "toy", (32,), counts={"train": 9, "val": 8})
    source = find(str(data))
    prints = scan(source, (32,)).fingerprints
    found = weights.resolve(str(folder), backbones.get("tiny"))
    by_hand, as_usual = (
        planned_runs([("tiny", 32)], load_recipe("frozen"), 1, {"tiny": given}, "toy", prints, Options())
        for given in (found, "imagenet")
    )
    assert by_hand == as_usual
    job = TrainJob(
        data=str(data),
        resolutions=(32,),
        backbone="tiny",
        weights=str(found),
        store=str(tmp_path / "runs"),
        code_revision="x",
        runs=tuple(by_hand),
        keep_weights=True,
    )
    (tmp_path / "log.txt").touch()
    run_frozen(job, lambda event: None, tmp_path / "log.txt")
    run = Store(tmp_path / "runs").get(by_hand[0].run_id)
    assert (run.result.weights, run.environment["weights_file"]) == ("imagenet", str(found))
    built = build_backbone(backbones.get("tiny"), str(found), seed=0)
    for value, expected in zip(built.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_several_backbones_take_theirs_from_one_folder(folder):
    twin = dataclasses.replace(backbones.get("tiny"), name="twin")
    registry.register(dataclasses.replace(twin, weights_file=dataclasses.replace(twin.weights_file, name="twin.h5")))
    (folder / "twin.h5").write_bytes((folder / NAME).read_bytes())
    choices = [matrix_choice("tiny"), matrix_choice("twin")]
    asked = SimpleNamespace(request=SimpleNamespace(weights=str(folder), data="toy"), choices=choices)
    assert choose_weights(asked) == {"tiny": folder / NAME, "twin": folder / "twin.h5"}


def matrix_choice(name):
    return SimpleNamespace(backbone=name, image_px=None)


def page(path, network):
    path.write_text("<!doctype html><title>404</title>")


def topped(path, network):
    pooled = keras.layers.GlobalAveragePooling2D()(network.output)
    written(keras.Model(network.input, keras.layers.Dense(5)(pooled)), path)


def another(path, network):
    written(keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(7, 3)]), path)


@pytest.mark.parametrize(
    ("make", "said"), [(page, "not a weights file"), (topped, "its top"), (another, "another net")]
)
def test_a_wrong_file_is_refused_by_its_hash_or_its_content(make, said, folder, network):
    make(folder / NAME, network)
    with pytest.raises(UserError, match=f"tiny: {NAME} .* has another hash .* in the folder '{folder}'"):
        weights.resolve(str(folder), backbones.get("tiny"))
    publish(folder / NAME, None)  # nobody says what its hash should be
    found = weights.resolve(str(folder), backbones.get("tiny"))
    assert weights_name(found, backbones.get("tiny")).startswith(f"{NAME}@")
    with pytest.raises(UserError, match=said) as caught:
        build_backbone(backbones.get("tiny"), str(found), seed=0)
    assert "\n" not in str(caught.value)
    assert str(found) in str(caught.value)
