"""Weights files of the right form, made here, since tests have no network; and files of the wrong form."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import inspect
import re
import urllib.error
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers_backbones import in_full
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

import backbones
from backbones import loading
from backbones.base import WeightsError, WeightsFile
from backbones.keras_application import KerasApplication

# Keras itself: its writer of the older layout under NumPy 2, and before it refuses another network's file.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning"),
]

APPLICATIONS = [name for name in backbones.names() if isinstance(backbones.get(name), KerasApplication)]
# What Keras calls the variants of a module, and what we do.
KEYS = {
    "resnet": {f"resnet{depth}{v2}": f"resnet{depth}{v2}" for depth in (50, 101, 152) for v2 in ("", "v2")},
    "efficientnet": {f"b{number}": f"efficientnetb{number}" for number in range(8)},
    "efficientnet_v2": {
        **{f"b{number}": f"efficientnetv2b{number}" for number in range(4)},
        **{f"-{size}": f"efficientnetv2{size}" for size in "sml"},
    },
    "convnext": {f"convnext_{size}": f"convnext{size}" for size in ("tiny", "small", "base", "large", "xlarge")},
    "mobilenet_v3": {f"{size}_224_1.0_float": f"mobilenetv3{size}" for size in ("small", "large")},
}
FAMILIES = {"resnet", "resnetv2", "efficientnet", "efficientnetv2", "convnext"}
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def values(model):
    return [variable.numpy() for variable in model.weights]


def assert_same_weights(model, other):
    for value, expected in zip(values(model), values(other), strict=True):
        np.testing.assert_array_equal(value, expected)


def scattered(name):
    """A network in which every variable holds values of its own, so that one that went astray shows."""
    model = backbones.get(name).build("random")
    rng = np.random.default_rng(5)
    for variable in model.weights:
        if "float" in variable.dtype:
            spread = 1 / np.sqrt(max(1, np.prod(variable.shape[:-1])))
            variable.assign(spread * rng.uniform(0.5, 1.5, variable.shape) * rng.choice([-1, 1], variable.shape))
        if "variance" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return model


def save_older_layout(model, path):
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def as_published(name, folder):
    """A file as keras.applications publishes it: the older layout, and EfficientNet's deviation kept as a variance."""
    model = scattered(name)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            layer.adapt_mean.assign(IMAGENET_MEAN)
            layer.adapt_variance.assign(IMAGENET_DEVIATION)
    folder.mkdir()
    return save_older_layout(model, folder / backbones.get(name).weights_file.name)


def outputs(backbone, model, images, names=None):
    """Outputs at the end of the first stage, which depends on the scale of the input, and of the last stage.

    The stage ends as far from the network's end as in `names`: in a model of Keras it may be called otherwise.
    """
    names = names or [layer.name for layer in model.layers]
    first_stage = model.layers[names.index(backbone.stages[0][1]) - len(names)].output
    return [output.numpy() for output in keras.Model(model.input, [first_stage, model.output])(images)]


def assert_same_outputs(found, expected):
    for value, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-3, atol=1e-5 * np.abs(wanted).max())


@dataclasses.dataclass(frozen=True)
class Published:
    """A backbone whose published file is `path`, its network built from that path, and the network's outputs."""

    backbone: backbones.Backbone
    path: Path
    model: keras.Model
    images: tf.Tensor
    outputs: list[np.ndarray]


@pytest.fixture(scope="module", params=in_full(APPLICATIONS, {"efficientnetb0", "mobilenetv3small"}))
def published(request, tmp_path_factory):
    backbone = backbones.get(request.param)
    path = as_published(backbone.name, tmp_path_factory.mktemp("keras") / "models")
    digest = hashlib.new(backbone.weights_file.algorithm, path.read_bytes()).hexdigest()
    file = dataclasses.replace(backbone.weights_file, digest=digest)
    backbone = dataclasses.replace(backbone, weights_file=file)
    model = backbone.build(path, seed=7)
    images = backbone.prepare(np.random.default_rng(0).integers(0, 256, (2, *[backbone.smallest_px] * 2, 3)))
    return Published(backbone, path, model, images, outputs(backbone, model, images))


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """Keras reads KERAS_HOME once, when it is imported."""
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    return tmp_path


@pytest.fixture
def offline(monkeypatch):
    def refuse(url, *_):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(file_utils, "urlretrieve", refuse)


def test_imagenet_is_the_published_file(published, offline, monkeypatch):
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(published.path.parents[1]))
    assert_same_weights(published.backbone.build("imagenet"), published.model)


def test_published_weights_give_the_outputs_of_keras(published, monkeypatch):
    """And the file declared is the one that Keras asks for."""
    asked = []
    path = str(published.path)
    monkeypatch.setattr(file_utils, "get_file", lambda *args, **options: asked.append((args, options)) or path)
    reference = getattr(keras.applications, published.backbone.function)(include_top=False, weights="imagenet")
    file = backbones.get(published.backbone.name).weights_file
    [(arguments, options)] = asked
    assert arguments == (file.name, file.url)
    assert options.pop("file_hash", None) == file.digest
    assert options == {"cache_subdir": "models"}
    names = [layer.name for layer in published.model.layers]
    assert_same_outputs(published.outputs, outputs(published.backbone, reference, published.images, names))


@pytest.mark.parametrize("name", APPLICATIONS)
def test_declared_files_are_those_that_keras_names(name):
    """Compares URLs and hashes in the modules of Keras; the test above calls Keras itself, which is slow for some."""
    backbone = backbones.get(name)
    module = importlib.import_module(f"keras.src.applications.{backbone.module}")
    if backbone.module == "resnet_v2":
        module = importlib.import_module("keras.src.applications.resnet")  # which builds those too
    source = inspect.getsource(module)
    file = backbone.weights_file
    stored = [digest for _, digest in getattr(module, "WEIGHTS_HASHES", {}).values()]  # with a top, without
    assert file.digest in stored if stored else file.digest is None or f'file_hash="{file.digest}"' in source
    assert file.url.endswith(f"/{file.name}")
    folder = file.url.removesuffix(file.name)
    joined = re.sub(r'"\s*\n\s*f?"', "", source)  # strings that stand on several lines
    assert f'"{folder}' in joined


def test_hashes_belong_to_their_variants():
    """`WEIGHTS_HASHES` of Keras by its own names of variants."""
    for module, names in KEYS.items():
        hashes = importlib.import_module(f"keras.src.applications.{module}").WEIGHTS_HASHES
        for key, name in names.items():
            assert backbones.get(name).weights_file.digest == hashes[key][1], name
    covered = {name for names in KEYS.values() for name in names.values() if not name.startswith("mobilenet")}
    assert {name for name in APPLICATIONS if backbones.get(name).family in FAMILIES} == covered


def test_a_saved_network_loads_again(published, tmp_path):
    """For EfficientNet: a variance that was corrected while loading is not corrected twice."""
    published.model.save_weights(tmp_path / "saved.weights.h5")
    assert_same_weights(published.backbone.build(tmp_path / "saved.weights.h5"), published.model)


def test_a_random_network_loads_again(built, tmp_path):
    for name in ("efficientnetb0", "tiny"):
        model = built(name)
        model.save_weights(tmp_path / "saved.weights.h5")
        assert_same_weights(backbones.get(name).build(tmp_path / "saved.weights.h5", seed=7), model)


def test_saved_whole_it_is_the_same_network(published, tmp_path):
    published.model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same_outputs(outputs(published.backbone, loaded, published.images), published.outputs)


def test_a_compiled_model_saved_whole_in_the_older_layout_loads(tmp_path):
    model = scattered("tiny")
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "whole.h5")
    model.save_weights(tmp_path / "saved.weights.h5")
    for file in ("whole.h5", "saved.weights.h5"):
        assert_same_weights(backbones.get("tiny").build(tmp_path / file), model)


@pytest.mark.parametrize("state", ["missing", "corrupt"])
def test_offline_without_the_file_says_what_to_put_where(state, keras_home, offline):
    published = backbones.get("efficientnetb0").weights_file
    if state == "corrupt":
        (keras_home / "models").mkdir()
        (keras_home / "models" / published.name).write_bytes(b"half a fi")
    with pytest.raises(WeightsError) as caught:
        backbones.get("efficientnetb0").build("imagenet")
    message = str(caught.value)
    assert "\n" not in message
    for expected in (published.name, published.digest, published.url, "$KERAS_HOME/models", "random"):
        assert expected in message


def test_a_backbone_without_imagenet_weights_says_so():
    with pytest.raises(WeightsError, match="tiny has no ImageNet weights: use 'random' or the path"):
        backbones.get("tiny").build("imagenet")


def test_is_at_compares_the_hash(tmp_path):
    file = WeightsFile("name.h5", hashlib.md5(b"right").hexdigest(), "https://example.org/name.h5")
    path = tmp_path / "name.h5"
    assert not file.is_at(path)
    path.write_bytes(b"wrong")
    assert not file.is_at(path)
    path.write_bytes(b"right")
    assert file.is_at(path)


# Files that must be refused: how each is made in a folder, and a part of the line that says why.


def _missing(folder):
    return folder / "missing.h5"


def _web_page(folder):
    path = folder / "page.h5"
    path.write_text("<!doctype html><title>404</title>")
    return path


def _truncated(folder):
    path = save_older_layout(scattered("tiny"), folder / "cut.h5")
    path.write_bytes(path.read_bytes()[:3000])
    return path


def _no_layers(folder):
    with h5py.File(folder / "data.h5", "w") as file:
        file["table"] = np.zeros(6_808)
    return folder / "data.h5"


def _older_layout_under_newer_name(folder):
    return save_older_layout(scattered("tiny"), folder / "saved.weights.h5")


def _newer_layout_under_older_name(folder):
    scattered("tiny").save_weights(folder / "saved.weights.h5")
    return (folder / "saved.weights.h5").rename(folder / "saved.h5")


def _another_network(folder):
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(7, 3)])
    return save_older_layout(model, folder / "other.h5")


def _another_network_of_the_same_size(folder):
    """tiny has 6,808 numbers in ten layers: so does this, in other shapes."""
    model = keras.Sequential([keras.Input((None, None, 22)), keras.layers.Conv2D(296, 1)])
    return save_older_layout(model, folder / "other.h5")


def _same_size_newer_layout(folder):
    model = keras.Sequential([keras.Input((None, None, 22)), keras.layers.Conv2D(296, 1)])
    model.save_weights(folder / "other.weights.h5")
    return folder / "other.weights.h5"


def _topped(model):
    pooled = keras.layers.GlobalAveragePooling2D()(model.output)
    return keras.Model(model.input, keras.layers.Dense(5)(pooled))


def _with_a_top(folder):
    return save_older_layout(_topped(scattered("tiny")), folder / "top.h5")


def _with_a_top_of_convolutions(folder):
    """As MobileNetV3's is."""
    model = scattered("tiny")
    pooled = keras.layers.GlobalAveragePooling2D(keepdims=True)(model.output)
    return save_older_layout(keras.Model(model.input, keras.layers.Conv2D(5, 1)(pooled)), folder / "top.h5")


def _a_deeper_network(folder):
    """It holds all that tiny does, and one convolution more."""
    model = scattered("tiny")
    deeper = keras.layers.Conv2D(16, 3)(model.output)
    return save_older_layout(keras.Model(model.input, deeper), folder / "deeper.h5")


def _with_a_top_newer_layout(folder):
    _topped(scattered("tiny")).save_weights(folder / "top.weights.h5")
    return folder / "top.weights.h5"


def _not_finite(folder):
    model = scattered("tiny")
    model.get_layer("stage3_conv").kernel.assign(np.full((3, 3, 8, 16), np.nan))
    return save_older_layout(model, folder / "nan.h5")


REFUSED = {
    _missing: "No weights file",
    _web_page: "is not a weights file",
    _truncated: "is not a weights file",
    _no_layers: "holds no layers",
    _older_layout_under_newer_name: "has the layout of a .h5 file: rename it",
    _newer_layout_under_older_name: "has the layout of a .weights.h5 file: rename it",
    _another_network: "holds 196 numbers, tiny without its top 6,808: another network",
    _another_network_of_the_same_size: "holds the weights of another network than tiny",
    _same_size_newer_layout: "holds the weights of another network than tiny",
    _with_a_top: "holds 6,893 numbers, tiny without its top 6,808: saved with its top",
    _with_a_top_of_convolutions: "saved with its top",
    _a_deeper_network: "another network",
    _with_a_top_newer_layout: "saved with its top",
    _not_finite: "leaves stage3_conv/kernel of tiny unset, or sets it to NaN",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__.strip("_"))
def test_a_wrong_file_is_refused_in_one_line(make, tmp_path):
    path = make(tmp_path)
    with pytest.raises(WeightsError) as caught:
        backbones.get("tiny").build(path)
    message = str(caught.value)
    assert REFUSED[make] in message
    assert str(path) in message
    assert "tiny" in message
    assert "\n" not in message


def test_what_loading_leaves_alone_is_noticed(tmp_path, monkeypatch):
    """A variable without an assigned value is an error, although Keras says nothing."""
    model = scattered("tiny")
    path = save_older_layout(model, tmp_path / "saved.h5")
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: None)
    with pytest.raises(WeightsError, match="leaves stage1_conv/kernel of tiny unset"):
        loading.load(model, path, "tiny")
