import dataclasses
import hashlib
import json
import subprocess
import sys

import pytest
from helpers_plugins import source

import backbones
from backbones import registry
from backbones.plugins import load_file
from bench.environment import keras_models
from bench.errors import UserError
from bench.matrix.catalogue import backbone_rows, backbone_tables

CONTENT = b"weights"


def test_every_backbone_family_by_family():
    rows = backbone_rows()
    assert {row["backbone"] for row in rows} == set(backbones.names())
    order = [(row["family"], row["GFLOPs at 224"]) for row in rows]
    assert order == sorted(order)


def test_a_row():
    [row] = backbone_rows(["inceptionv3"])
    assert row == {
        "backbone": "inceptionv3",
        "family": "inception",
        "features": 2048,
        "parameters": 21_802_784,
        "GFLOPs at 224": 5.69,
        "GFLOPs at 512": 35.17,
        "native px": 299,
        "smallest px": 75,
        "largest px": None,
        "input": "RGB -1..1",
        "in --all": "no",
        "ImageNet top-1": 0.779,
        "top-1 source": "keras.io/api/applications",
        "ImageNet weights": "not cached",
        "weights file": "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "plugin": None,
    }


def test_words_are_those_of_run():
    assert [row["backbone"] for row in backbone_rows(["vgg", "resnet50*", "vgg16"])] == [
        "resnet50",
        "resnet50v2",
        "vgg16",
        "vgg19",
    ]
    with pytest.raises(UserError, match="Unknown backbone 'vgg61'"):
        backbone_rows(["vgg61"])


def test_whether_the_weights_are_cached(monkeypatch):
    original = backbones.get("vgg16")
    file = dataclasses.replace(original.weights_file, digest="5eb63bbbe01eeed093cb22bb8f5acdc3")  # of "hello world"
    monkeypatch.setitem(registry._registered, "vgg16", dataclasses.replace(original, weights_file=file))

    def state():
        return backbone_rows(["vgg16"])[0]["ImageNet weights"]

    assert state() == "not cached"
    keras_models().mkdir(parents=True)
    (keras_models() / file.name).write_text("hello")
    assert state() == "another file"
    (keras_models() / file.name).write_text("hello world")
    assert state() == "cached"
    assert backbone_rows(["tiny"])[0]["ImageNet weights"] == "none"


def test_the_tables_fit_a_terminal():
    lines = backbone_tables(backbone_rows()).splitlines()
    assert max(map(len, lines)) <= 120
    files = [line for line in lines if line.endswith((".h5", ".pth"))]
    assert all(line.rindex(" ") < 60 for line in files)
    second_rule = [line for line in lines if set(line) == {"-", " "}][1]
    assert all(len(line) <= 80 for line in lines if line not in files and line != second_rule)


def test_the_tables_name_their_sources():
    text = backbone_tables(backbone_rows(["resnet50", "mobilenetv3small"]))
    lines = text.splitlines()
    assert lines[3].split() == ["mobilenetv3small", "mobilenet", "0.9", "0.12", "0.61", "224", "32+"]
    assert lines[4].split() == ["resnet50*", "resnet", "23.6", "7.75", "40.49", "224", "32+"]
    file = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    [published] = [line.split() for line in lines if line.endswith(file)]
    assert published == ["resnet50", "BGR", "mean", "0", "74.9", "[2]", "not", "cached", file]
    assert lines[-2:] == ["[1] keras.io/api/applications/mobilenet", "[2] keras.io/api/applications"]


def test_a_fixed_or_bounded_size_is_shown(monkeypatch):
    tiny = backbones.get("tiny")
    for name, smallest, largest in (("fixed", 300, 300), ("bounded", 64, 300), ("large", 64, 512)):
        adapter = dataclasses.replace(tiny, name=name, smallest_px=smallest, largest_px=largest)
        monkeypatch.setitem(registry._registered, name, adapter)
    rows = backbone_rows(["fixed", "bounded", "large"])
    assert [(row["native px"], row["GFLOPs at 512"]) for row in rows] == [(None, None), (None, None), (None, 0.0643)]
    lines = backbone_tables(rows).splitlines()
    assert [line.split()[-1] for line in lines[3:6]] == ["300", "64-300", "64-512"]


def test_the_command(call):
    status, out, _ = call("list", "backbones", "densenet", "--json")
    assert status == 0
    assert [row["backbone"] for row in json.loads(out)] == ["densenet121", "densenet169", "densenet201"]
    status, out, _ = call("list", "backbones", "vgg")
    assert status == 0
    assert "vgg19" in out
    assert "resnet50" not in out


def test_the_command_needs_no_tensorflow():
    script = (
        "import sys; from bench.matrix.catalogue import backbone_rows, backbone_tables; "
        "backbone_tables(backbone_rows()); "
        "sys.exit(bool({'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_what_a_plugin_does_not_say_is_left_empty(tmp_path, own_registry):
    (tmp_path / "net.py").write_text(source())
    load_file(tmp_path / "net.py")
    rows = backbone_rows(["outside", "tiny"])
    assert (rows[0]["parameters"], rows[0]["GFLOPs at 224"], rows[0]["GFLOPs at 512"]) == (None, None, None)
    text = backbone_tables(rows)
    assert f"outside: plugin {rows[0]['plugin']}" in text
    assert "0.00" not in text


@pytest.fixture
def small(own_registry):
    """VGG16 and VGG19 with published files of seven bytes, ResNet50 with a file without a published hash."""
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


def test_every_backbone_has_a_row(small, call):
    status, found = states(call)
    assert set(found) == set(backbones.names())
    assert (status, found["vgg16"], found["tiny"]) == (0, "missing", "none")


def test_states_and_the_exit_status(small, call):
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


def test_a_folder_of_ones_own(small, call, tmp_path):
    put(tmp_path / "mine", "vgg16")
    put(tmp_path / "mine", "efficientnetlite0")
    status, out, _ = call("list", "weights", "vgg16", "efficientnetlite0", "--weights", "mine", "--json")
    rows = json.loads(out)
    assert status == 1
    assert [(row["state"], row["folder"]) for row in rows] == [("right", "mine"), ("wrong hash", "mine")]
    status, _, err = call("list", "weights", "--weights", "nowhere")
    assert (status, err) == (2, "petalbench: --weights: there is no folder 'nowhere'.\n")


def test_weights_for_people(small, call):
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


def test_a_word_that_stands_for_none(small, call):
    status, _, err = call("list", "weights", "vgg61")
    assert status == 2
    assert len(err.splitlines()) == 1
