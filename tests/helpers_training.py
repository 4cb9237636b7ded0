"""Small trainings on numpy images, for the tests of the loop."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

import backbones
from bench.config.recipe import Recipe, load_recipe
from bench.training.loop.batches import Examples
from bench.training.loop.epochs import Fit
from bench.training.loop.steps import Execution, Steps, Training
from bench.training.network.losses import class_weights
from bench.training.network.network import Network
from bench.training.network.optimizer import make_optimizer

PX, CLASSES = 32, 3


@dataclass(frozen=True, kw_only=True)
class Plain(backbones.Backbone):
    """Two convolutions without normalisation."""

    def architecture(self):
        inputs = x = keras.Input((None, None, 3))
        for number in range(2):
            x = keras.layers.Conv2D(8, 3, strides=4, activation="relu", name=f"conv{number}")(x)
        return keras.Model(inputs, x)

    def rescale(self, images):
        return images / 127.5 - 1.0


PLAIN = Plain(
    name="plain", family="plain", feature_width=8, stages=(("stage5", "conv1"),), parameters=808, gflops_224=0.01,
    weights_file=None,
)  # fmt: skip


class Watch:
    """A clock on which each look takes a second; in place of the module `time`."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        self.now += 1
        return self.now


class Arrays:
    """Inputs by row, from memory."""

    def __init__(self, images):
        self._images = tf.constant(images)
        self.spec = tf.TensorSpec((None, *images.shape[1:]), self._images.dtype)

    def lookup(self, rows, views):
        return tf.gather(self._images, rows)


def examples(count, seed=0):
    """Images whose class is their brightest channel."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=count)
    images = rng.integers(0, 160, (count, PX, PX, 3))
    images[np.arange(count), :, :, labels] += 90
    return Examples(Arrays(images.astype(np.uint8)), labels)


def recipe(**changes) -> Recipe:
    fields = {"epochs": 2, "batch_per_replica": 8, "augmentation": "none", **changes}
    base = load_recipe("finetune")
    schedule = base.schedule.model_copy(update={"start_lr": 0.01, "max_lr": 0.02, "max_lr_times_replicas": False})
    return base.model_copy(update={"schedule": schedule, **fields})


def training(recipe, train, val, *, strategy=None, batch=8, seed=0, micro_batch=None, backbone="tiny"):
    strategy = strategy or tf.distribute.get_strategy()
    adapter = PLAIN if backbone == "plain" else backbones.get(backbone) if isinstance(backbone, str) else backbone
    with strategy.scope():
        network = Network.of(adapter, adapter.build("random"), recipe, CLASSES, seed)
        optimizer = make_optimizer(recipe, network.trainable_variables)
    weights = class_weights(recipe, train.labels, CLASSES)
    steps = Steps(network, recipe, optimizer, weights, Execution(strategy, micro_batch=micro_batch))
    return Training(network, optimizer, steps, strategy, recipe, train, val, CLASSES, batch, seed)


def fitted(*args, listeners=None, checkpoint=None, **kwargs):
    """A training and its progress."""
    made = training(*args, **kwargs)
    return made, Fit(made, listeners, checkpoint).run()


def values(training):
    """Name and value of every variable, in order."""
    return [(variable.path, variable.numpy()) for variable in training.network.variables]


def assert_same(one, other, atol):
    for (name, ours), (_, theirs) in zip(values(one), values(other), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=atol, err_msg=name)


def rates(recipe):
    from bench.config.schedule import learning_rates

    return learning_rates(recipe.schedule, recipe.epochs)
