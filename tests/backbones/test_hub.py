"""Presets of keras-hub, built here without published weights."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers_data import make_data

import backbones
from backbones.base import BackboneError, WeightsError
from backbones.hub import _folder
from backbones.registry import UnknownBackboneError
from bench.config.recipe import load_recipe
from bench.store.store import Store
from bench.training.network.network import Network

SCALE, OFFSET = 1 / 255, [-0.1, -0.2, -0.3]


@pytest.fixture(scope="module")
def hub():
    if find_spec("keras_hub") is None:
        pytest.skip("keras-hub is not installed")
    import keras_hub

    return keras_hub


@pytest.fixture(scope="module")
def small(hub):
    """A ResNet of four stages."""
    return hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 8, 16, 16],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        use_pre_activation=False,
    )


@pytest.fixture(scope="module")
def folder(hub, small, tmp_path_factory):
    """The preset's folder. Its converter would resize to 64 px."""
    path = tmp_path_factory.mktemp("presets") / "small_net"
    small.save_to_preset(path)
    hub.layers.ResNetImageConverter(image_size=(64, 64), scale=SCALE, offset=OFFSET).save_to_preset(path)
    return path


@pytest.fixture
def preset(folder):
    return backbones.get(f"hub:{folder}")


def test_names_of_a_folder(folder, preset, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for name in ("hub:small_net", "hub:./small_net", f"hub:file://{folder}"):
        assert backbones.get(name).name == preset.name == f"hub:{folder}"
    assert preset.family == "hub-small"


def test_the_presets_weights_are_its_own(small, preset):
    model = preset.build("imagenet")
    for variable, expected in zip(model.weights, small.weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected.numpy())
    again = preset.build(preset.weights_file.place(None))
    np.testing.assert_array_equal(again.weights[0].numpy(), small.weights[0].numpy())
    assert type(small)(**small.get_config()).count_params() == model.count_params()


def test_random_weights_follow_from_the_seed(small, preset):
    one, same, other = (preset.build("random", seed=seed).weights[0].numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, small.weights[0].numpy())


def test_its_converter_prepares_and_leaves_the_size_alone(preset):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 40, 48, 3), dtype=np.uint8)
    expected = pictures * np.float32(SCALE) + np.float32(OFFSET)
    np.testing.assert_allclose(preset.prepare(pictures), expected, atol=1e-6)
    np.testing.assert_allclose(tf.function(preset.prepare)(tf.constant(pictures)), expected, atol=1e-6)
    assert preset.build("random")(preset.prepare(pictures)).shape == (2, 2, 2, 16)


def test_stages_cut_it_exactly(preset):
    model = preset.build("imagenet")
    ends = [model.get_layer(layer).output for _, layer in preset.stages_of(model)]
    assert [stage for stage, _ in preset.stages_of(model)] == ["stage2", "stage3", "stage4", "stage5"]
    pictures = preset.prepare(np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)))
    passed_on = pictures
    for start, end in zip([model.input, *ends], ends, strict=False):
        passed_on = keras.Model(start, end)(passed_on)
    np.testing.assert_allclose(passed_on, model(pictures), rtol=1e-4, atol=1e-5)


def test_part_of_it_trains(preset):
    recipe = load_recipe("finetune").model_copy(update={"trainable": "from:stage5"})
    network = Network.of(preset, preset.build("imagenet"), recipe, 3, 0)
    assert 0 < len(network.trainable_variables) < len(network.variables) / 2


def test_a_stage_that_it_has_not_is_named(preset):
    recipe = load_recipe("finetune").model_copy(update={"trainable": "from:stage2"})
    with pytest.raises(BackboneError, match="cannot be cut at the end of stage1; it has the ends of stage2, stage3"):
        Network.of(preset, preset.build("imagenet"), recipe, 3, 0)


def refused(build):
    with pytest.raises(WeightsError) as caught:
        build()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_name_that_keras_hub_does_not_know(hub):
    unknown = backbones.get("hub:resnet_18_imagnet")
    assert "Did you mean 'resnet_18_imagenet'?" in refused(lambda: unknown.build("imagenet"))


def test_networks_of_other_inputs_and_outputs(hub, folder, tmp_path):
    converter = (folder / "image_converter.json").read_text()
    for name, network, reason in (
        ("text", hub.models.BertBackbone(10, 1, 1, 4, 4, max_sequence_length=5), "takes no images"),
        (
            "tokens",
            hub.models.ViTBackbone((32, 32, 3), 16, 1, 1, 4, 4),
            r"gives (None, 5, 4), and a feature map (B, h, w, F) was expected",
        ),
    ):
        network.save_to_preset(tmp_path / name)
        (tmp_path / name / "image_converter.json").write_text(converter)
        adapter = backbones.get(f"hub:{tmp_path / name}")
        assert reason in refused(lambda adapter=adapter: adapter.build("imagenet"))


def test_a_preset_without_a_converter_or_without_weights(hub, folder, tmp_path):
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    bare = backbones.get(f"hub:{tmp_path}")
    assert "image_converter.json" in refused(lambda: bare.build("random"))
    (tmp_path / "image_converter.json").write_text((folder / "image_converter.json").read_text())
    assert not bare.weights_file.is_at(bare.weights_file.place(None))


def test_another_networks_weights(preset, tmp_path):
    backbones.get("tiny").build("random").save_weights(tmp_path / "other.weights.h5")
    assert "another network" in refused(lambda: preset.build(tmp_path / "other.weights.h5"))


def test_a_run_from_the_command_to_its_directory(folder, call, tmp_path):
    """By a word of the command line; weights are named by their content, and the directory by a name without a path."""
    make_data(tmp_path / "toy", (64,))
    status, out, err = call("run", f"hub:{folder}@64", "--data", tmp_path / "toy", "--json")
    assert status == 0, err
    [run_id] = json.loads(out)["finished"]
    assert run_id.startswith("hub-small_net-64-frozen-s0-")
    result = Store(tmp_path / "runs").get(run_id).result
    assert result.backbone == f"hub:{folder}"
    assert result.weights.startswith("model.weights.h5@")
    assert result.family == "hub-small"


def test_a_folder_that_is_no_preset(tmp_path):
    with pytest.raises(UnknownBackboneError, match=r"there is no preset at .*config\.json"):
        _folder(str(tmp_path))
    assert _folder("resnet_18_imagenet") is None
    assert _folder("hf://keras/resnet_18_imagenet") is None


def test_without_keras_hub_the_extra_is_named():
    code = (
        "import sys, backbones, backbones.hub as hub; hub.find_spec = lambda name: None\n"
        "try: backbones.get('hub:resnet_18_imagenet')\n"
        "except backbones.UnknownBackboneError as error: print(error)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed == (
        "hub:resnet_18_imagenet needs keras-hub, which is not installed: pip install 'petalbench[hub]'.\n"
    )
