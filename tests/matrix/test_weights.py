from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from helpers_data import make_data
from helpers_jobs import planned_runs
from keras.src.legacy.saving import legacy_h5_format

import backbones
from backbones import hub, registry
from backbones.base import WeightsFile
from bench.data.scan import scan
from bench.data.source import find
from bench.environment import keras_models
from bench.errors import UserError
from bench.jobs.messages import TrainJob
from bench.matrix import weights
from bench.store.store import Store
from bench.training.frozen import run_frozen
from bench.training.network.scale import build_backbone

pytestmark = [
    pytest.mark.usefixtures("own_registry"),
    # Keras itself: its writer of the older layout under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
CONTENT = b"weights"
NAME = "tiny_notop.h5"


@pytest.fixture
def backbone():
    """VGG16 whose published file is seven bytes long."""
    original = backbones.get("vgg16")
    file = dataclasses.replace(original.weights_file, digest=hashlib.md5(CONTENT).hexdigest())
    return dataclasses.replace(original, weights_file=file)


def cache(backbone, content=CONTENT):
    keras_models().mkdir(parents=True)
    (keras_models() / backbone.weights_file.name).write_bytes(content)


def offline(host):
    return False


def unasked(host):
    raise AssertionError(f"{host} was asked")


def test_random_needs_nothing(backbone):
    assert weights.resolve("random", backbone, online=unasked) == "random"


@pytest.mark.parametrize("policy", ["auto", "imagenet"])
def test_a_cached_file_is_imagenet_without_asking_anybody(policy, backbone):
    cache(backbone)
    assert weights.resolve(policy, backbone, online=unasked) == "imagenet"


@pytest.mark.parametrize("policy", ["auto", "imagenet"])
def test_a_host_that_answers_is_imagenet(policy, backbone):
    asked = []
    assert weights.resolve(policy, backbone, online=lambda host: asked.append(host) or True) == "imagenet"
    assert asked == ["storage.googleapis.com"]


def test_auto_falls_back_to_random(backbone):
    assert weights.resolve("auto", backbone, online=offline) == "random"


def test_auto_does_not_take_a_file_with_another_hash(backbone):
    cache(backbone, b"half of it")
    assert weights.resolve("auto", backbone, online=offline) == "random"


@pytest.mark.parametrize(("content", "reason"), [(None, "is missing"), (b"half of it", "has another hash")])
def test_imagenet_that_cannot_be_had_says_what_to_put_where(content, reason, backbone):
    if content:
        cache(backbone, content)
    with pytest.raises(UserError) as caught:
        weights.resolve("imagenet", backbone, online=offline)
    message, file = str(caught.value), backbone.weights_file
    assert "\n" not in message
    for expected in (file.name, file.digest, file.url, str(keras_models()), "--weights random", reason):
        assert expected in message


def test_a_backbone_without_imagenet_weights():
    tiny = backbones.get("tiny")
    assert weights.resolve("auto", tiny, online=unasked) == "random"
    with pytest.raises(UserError, match="tiny has no ImageNet weights"):
        weights.resolve("imagenet", tiny, online=unasked)


@pytest.mark.parametrize("policy", ["auto", "imagenet"])
def test_an_installed_package_is_imagenet_without_asking_anybody(policy):
    lite = backbones.get("efficientnetlite0")
    pytest.importorskip(lite.weights_file.module)
    assert weights.resolve(policy, lite, online=unasked) == "imagenet"


def test_without_its_package_the_extra_is_named():
    lite = backbones.get("efficientnetlite0")
    absent = dataclasses.replace(lite, weights_file=dataclasses.replace(lite.weights_file, module="no_such_package"))
    assert weights.resolve("auto", absent, online=unasked) == "random"
    with pytest.raises(UserError) as caught:
        weights.resolve("imagenet", absent, online=unasked)
    assert "\n" not in str(caught.value)
    assert "is missing. Install the package that holds it: pip install 'petalbench[lite]'" in str(caught.value)


@pytest.fixture
def presets(tmp_path, monkeypatch):
    """Two folders as keras-hub writes them, whether or not that is installed; the second has no weights."""
    monkeypatch.setattr(hub, "find_spec", lambda name: True)
    for name in ("whole", "bare"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "whole" / "model.weights.h5").touch()
    return [backbones.get(f"hub:{tmp_path / name}") for name in ("whole", "bare")]


def test_a_preset_folders_weights_are_a_file(presets, tmp_path):
    """Which names a run by its content: the folder can be written again."""
    whole, bare = presets
    for policy in ("auto", "imagenet"):
        assert weights.resolve(policy, whole, online=unasked) == tmp_path / "whole" / "model.weights.h5"
    assert weights.resolve("auto", bare, online=unasked) == "random"
    with pytest.raises(UserError, match=r"is missing\. Save them with the preset") as caught:
        weights.resolve("imagenet", bare, online=unasked)
    assert "\n" not in str(caught.value)


def test_a_preset_that_is_fetched_is_tried(monkeypatch):
    monkeypatch.setattr(hub, "find_spec", lambda name: True)
    for policy in ("auto", "imagenet"):
        assert weights.resolve(policy, backbones.get("hub:resnet_18_imagenet"), online=unasked) == "imagenet"


def test_a_file_is_an_absolute_path(backbone, tmp_path, monkeypatch):
    (tmp_path / "mine.h5").touch()
    monkeypatch.chdir(tmp_path)
    found = weights.resolve("mine.h5", backbone, online=unasked)
    assert found == tmp_path / "mine.h5"
    assert isinstance(found, Path)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("missing.h5", "No weights file at missing.h5"),
        ("folder/missing", "No weights file at folder/missing"),
        ("imagnet", "Unknown weights 'imagnet'"),
    ],
)
def test_neither_a_policy_nor_a_file(policy, expected, backbone):
    with pytest.raises(UserError) as caught:
        weights.resolve(policy, backbone, online=unasked)
    assert expected in str(caught.value)
    assert "auto, imagenet, random or the PATH" in str(caught.value)


def test_of_a_folder_each_backbone_takes_its_own_file(backbone, tmp_path):
    place = tmp_path / backbone.weights_file.name
    place.write_bytes(CONTENT)
    assert weights.resolve(str(tmp_path), backbone, online=unasked) == place


@pytest.mark.parametrize(("content", "reason"), [(None, "is missing"), (b"half of it", "has another hash")])
def test_a_folder_without_the_right_file(content, reason, backbone, tmp_path):
    file = backbone.weights_file
    if content:
        (tmp_path / file.name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        weights.resolve(str(tmp_path), backbone, online=unasked)
    message = str(caught.value)
    assert "\n" not in message
    for expected in ("vgg16", file.name, f"MD5 {file.digest}", f"{reason}", f"folder '{tmp_path}'", "list weights"):
        assert expected in message


def test_a_folder_has_nothing_for_a_backbone_without_published_weights(tmp_path):
    with pytest.raises(UserError, match="tiny has no ImageNet weights"):
        weights.resolve(str(tmp_path), backbones.get("tiny"), online=unasked)


def test_a_weights_file_is_named_by_its_content(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"one")
    (tmp_path / "b.h5").write_bytes(b"two")
    one, two = (weights.weights_name(tmp_path / name, backbones.get("vgg16")) for name in ("a.h5", "b.h5"))
    assert one.startswith("a.h5@")
    assert one.split("@")[1] != two.split("@")[1]


def test_the_published_file_is_imagenet_wherever_it_lies(tmp_path):
    """The same weights give the same run; without a published hash they cannot be recognised."""
    (tmp_path / "any.h5").write_bytes(b"one")
    backbone = backbones.get("vgg16")
    for digest, named in ((hashlib.md5(b"one").hexdigest(), "imagenet"), (None, "any.h5@7692c3ad")):
        file = dataclasses.replace(backbone.weights_file, digest=digest)
        adapter = dataclasses.replace(backbone, weights_file=file)
        assert weights.weights_name(tmp_path / "any.h5", adapter) == named


def written(model, path):
    """As keras.applications publishes: the older layout."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def publish(path, algorithm="sha256"):
    """Declares the file to be the published weights of `tiny`."""
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
    scan(source, (32,))
    found = weights.resolve(str(folder), backbones.get("tiny"))
    by_hand, as_usual = (planned_runs("tiny@32", weights=given, source=source) for given in (found, "imagenet"))
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
    assert weights.resolve_all(str(folder), ["tiny", "twin"]) == {"tiny": folder / NAME, "twin": folder / "twin.h5"}
    with pytest.raises(UserError, match="is one network's file; 2 were asked for: tiny, twin"):
        weights.resolve_all(str(folder / NAME), ["tiny", "twin", "tiny"])


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
    assert weights.weights_name(found, backbones.get("tiny")).startswith(f"{NAME}@")
    with pytest.raises(UserError, match=said) as caught:
        build_backbone(backbones.get("tiny"), str(found), seed=0)
    assert "\n" not in str(caught.value)
    assert str(found) in str(caught.value)
