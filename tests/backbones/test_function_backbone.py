from __future__ import annotations

import keras
import numpy as np
import pytest

from backbones import BackboneError, FunctionBackbone, WeightsError
from bench.config.recipe import load_recipe
from bench.training.network.network import Network


def network():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, strides=4, name="convolution")(inputs)
    return keras.Model(inputs, keras.layers.ReLU(name="end")(x))


def made(**changes):
    fields = {"name": "net", "network": network, "scale": lambda images: images / 255, "feature_width": 8}
    return FunctionBackbone(**(fields | changes))


def test_undeclared_fields_are_those_of_a_family_of_its_own():
    backbone = made()
    assert (backbone.family, backbone.stages, backbone.weights_file) == ("net", (), None)
    assert made(family="nets").family == "nets"
    with pytest.raises(WeightsError, match="net has no ImageNet weights"):
        backbone.build("imagenet")


def test_the_functions_are_used():
    backbone = made()
    images = np.full((1, 16, 16, 3), 51, np.uint8)
    np.testing.assert_allclose(backbone.prepare(images), np.full((1, 16, 16, 3), 0.2), rtol=1e-6)
    assert (images == 51).all()
    one, same, other = (
        backbone.build("random", seed=seed).get_layer("convolution").get_weights()[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


def test_weights_of_a_file_are_loaded(tmp_path):
    saved = made().build("random", seed=3)
    saved.save_weights(tmp_path / "net.weights.h5")
    loaded = made().build(tmp_path / "net.weights.h5")
    for value, expected in zip(loaded.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_it_can_be_cut_where_it_says_or_at_its_end_alone():
    backbone = made()
    assert backbone.stages_of(backbone.build("random")) == (("stage5", "end"),)
    assert made(stages=(("stage4", "convolution"), ("stage5", "end"))).stages_of(None)[0] == ("stage4", "convolution")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"feature_width": 9}, r"net declares a feature map of \(batch, height, width, 9\), and its network gives"),
        ({"network": lambda: None}, "net: its network is a NoneType, and a keras.Model was expected"),
        ({"network": lambda: keras.Sequential([keras.Input((8,)), keras.layers.Dense(8)])}, "feature map"),
        ({"stages": (("stage5", "nonesuch"),)}, "net has no layer 'nonesuch', the end of stage5"),
    ],
)
def test_a_network_other_than_declared(changes, said):
    with pytest.raises(BackboneError, match=said):
        made(**changes).build("random")


def test_a_width_has_to_be_said():
    with pytest.raises(ValueError, match="feature_width is 0, and F, at least 1, was expected"):
        made(feature_width=0)


def test_a_recipe_that_wants_more_stages_than_it_has_is_reported():
    recipe = load_recipe("finetune").model_copy(update={"trainable": "from:stage5"})
    backbone = made()
    with pytest.raises(BackboneError, match="net cannot be cut at the end of stage4; it has the ends of stage5"):
        Network.of(backbone, backbone.build("random"), recipe, 3, 0)
