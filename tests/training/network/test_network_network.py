import numpy as np
import pytest
from helpers_training import CLASSES, recipe

import backbones
from bench.training.network.network import Network

IMAGES = np.random.default_rng(0).integers(256, size=(2, 64, 64, 3)).astype(np.uint8)


def network(trainable, head=("gap", "softmax"), name="tiny"):
    adapter = backbones.get(name)
    return Network.of(adapter, adapter.build("random"), recipe(trainable=trainable, head=head), CLASSES, 0)


@pytest.mark.parametrize("trainable", ["none", "from:stage5", "from:stage3", "from:stage2"])
@pytest.mark.parametrize("head", [("gap", "softmax"), ("batch_norm", "dropout:0.2", "gap", "softmax")])
def test_both_parts_are_the_whole(trainable, head):
    made = network(trainable, head)
    images = made.adapter.prepare(IMAGES)
    np.testing.assert_array_equal(made.rest(made.front(images)), made.model(images))


@pytest.mark.parametrize(("trainable", "layers"), [("none", 0), ("from:stage5", 1), ("from:stage4", 2), ("all", 5)])
def test_what_trains(trainable, layers):
    """Each stage of `tiny` has a kernel, a scale and an offset; the head a kernel and a bias."""
    made = network(trainable)
    assert len(made.trainable_variables) == 3 * layers + 2
    frozen = [] if made.front is None else made.front.variables
    assert not {id(v) for v in made.trainable_variables} & {id(v) for v in frozen}


def test_from_the_first_stage_on_is_all():
    assert network("from:stage1").front is None


@pytest.mark.parametrize("name", backbones.MATRIX)
def test_one_recipe_cuts_every_backbone_of_the_matrix(name):
    made = network("from:stage5", name=name)
    images = made.adapter.prepare(IMAGES)
    np.testing.assert_array_equal(made.rest(made.front(images)), made.model(images))
    assert 2 < len(made.trainable_variables) < len(made.model.variables)
