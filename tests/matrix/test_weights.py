from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

import backbones
from backbones import hub
from bench.environment import keras_models
from bench.errors import UserError
from bench.matrix import weights

CONTENT = b"weights"


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
