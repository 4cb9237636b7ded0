"""`list weights`: what is there, whether it is right, what to get where it is not."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest

import backbones
from backbones import registry
from bench.environment import keras_models

CONTENT = b"weights"


@pytest.fixture(autouse=True)
def small(own_registry):
    """VGG16 and VGG19 whose published files are seven bytes long, ResNet50 of whose nobody publishes a hash."""
    for name, algorithm in (("vgg16", "md5"), ("vgg19", "sha256"), ("resnet50", None)):
        backbone = backbones.get(name)
        digest = hashlib.new(algorithm, CONTENT).hexdigest() if algorithm else None
        file = dataclasses.replace(backbone.weights_file, digest=digest)
        registry._registered[name] = dataclasses.replace(backbone, weights_file=file)


def put(folder, name, content=CONTENT):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / backbones.get(name).weights_file.name).write_bytes(content)


def states(call, *words):
    status, out, err = call("list", "weights", *words, "--json")
    assert err == ""
    return status, {row["backbone"]: row["state"] for row in json.loads(out)}


def test_every_backbone_has_a_row(call):
    status, found = states(call)
    assert set(found) == set(backbones.names())
    assert (status, found["vgg16"], found["tiny"]) == (0, "missing", "none")


def test_states_and_the_exit_status(call):
    folder = keras_models()
    put(folder, "vgg16")
    put(folder, "vgg19")
    put(folder, "resnet50")
    status, found = states(call, "vgg", "resnet50", "tiny")
    assert (status, found) == (0, {"vgg16": "right", "vgg19": "right", "resnet50": "unverified", "tiny": "none"})
    assert states(call, "vgg16", "densenet121")[0] == 1  # asked for, and missing
    put(folder, "vgg19", b"half of it")
    status, found = states(call)
    assert (status, found["vgg16"], found["vgg19"], found["densenet121"]) == (1, "right", "wrong hash", "missing")


def test_a_folder_of_ones_own(call, tmp_path):
    put(tmp_path / "mine", "vgg16")
    put(tmp_path / "mine", "efficientnetlite0")
    status, out, _ = call("list", "weights", "vgg16", "efficientnetlite0", "--weights", "mine", "--json")
    rows = json.loads(out)
    assert status == 1
    assert [(row["state"], row["folder"]) for row in rows] == [("right", "mine"), ("wrong hash", "mine")]
    status, _, err = call("list", "weights", "--weights", "nowhere")
    assert (status, err) == (2, "petalbench: --weights: there is no folder 'nowhere'.\n")


def test_for_people(call):
    put(keras_models(), "vgg19", b"half of it")
    put(keras_models(), "resnet50")
    status, out, _ = call("list", "weights", "vgg", "resnet50", "tiny")
    assert status == 1
    file = backbones.get("vgg16").weights_file
    assert out.splitlines() == [
        "none        tiny: no ImageNet weights",
        "",
        f"In {keras_models()}:",
        "missing     vgg16",
        f"            {file.name}",
        f"            MD5 {hashlib.md5(CONTENT).hexdigest()}",
        f"            from {file.url}",
        "wrong hash  vgg19",
        f"            {backbones.get('vgg19').weights_file.name}",
        f"            SHA-256 {hashlib.sha256(CONTENT).hexdigest()}",
        f"            from {backbones.get('vgg19').weights_file.url}",
        "unverified  resnet50",
        f"            {backbones.get('resnet50').weights_file.name}",
        "            no hash is published",
    ]


def test_a_word_that_stands_for_none(call):
    status, _, err = call("list", "weights", "vgg61")
    assert status == 2
    assert len(err.splitlines()) == 1
