"""Trainings over two logical processors and over one, in a process of its own: devices are divided before all else."""

import json
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parent.parent))

from helpers_training import Plain, examples, recipe, training, values

from bench.training.loop.checkpoint import Checkpoint, Identity
from bench.training.loop.epochs import Fit, Listeners
from bench.training.loop.prediction import predicted
from bench.training.strategies import make_strategy, strategy_name


def difference(one, other):
    """The largest of all variables."""
    return max(float(np.abs(a - b).max()) for (_, a), (_, b) in zip(values(one), values(other), strict=True))


def replicas_differ(made):
    """The largest difference between the copies of a variable."""
    copies = [made.strategy.experimental_local_results(v.value) for v in made.network.variables]
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in copies)


def compared(two, one, rows_two, rows_one, val):
    """How far apart a training over two replicas and one over a single device are."""
    return {
        "strategy": strategy_name(two.strategy),
        "variables": difference(two, one),
        "losses": max(abs(a.loss - b.loss) for a, b in zip(rows_two, rows_one, strict=True)),
        "predictions": float(np.abs(predicted(two, val)[0] - predicted(one, val)[0]).max()),
        "replicas": replicas_differ(two),
        "finite": all(np.isfinite(value).all() for _, value in values(two)),
    }


def in_turn(strategy, asked, backbone, counts):
    """Trains over two replicas of 4 images and over one of 8, on so many images, then on as many more as follow.

    One pair of traced networks for all counts: tracing takes most of the time.
    """
    val = examples(11, 1)
    pair = [training(asked, examples(24), val, strategy=where, backbone=backbone) for where in (strategy, None)]
    for count in counts:
        train = examples(count)
        rows = [Fit(replace(made, train=train)).run().rows for made in pair]
        yield compared(*pair, *rows, val)


@dataclass(frozen=True, kw_only=True)
class Noisy(Plain):
    """Random layers alone; `block` drops whole images, as stochastic depth does."""

    def architecture(self):
        inputs = x = keras.Input((None, None, 3))
        for layer in (
            keras.layers.Dropout(0.5, name="dropout", seed=1),
            keras.layers.SpatialDropout2D(0.5, name="spatial", seed=2),
            keras.layers.Dropout(0.5, noise_shape=(None, 1, 1, 1), name="block", seed=3),
            keras.layers.GaussianNoise(1.0, name="gaussian", seed=4),
            keras.layers.RandomBrightness(0.5, name="brightness", seed=5),
            keras.layers.Conv2D(8, 3, name="conv1"),
        ):
            x = layer(x)
        return keras.Model(inputs, x)


NOISES = ("dropout", "spatial", "block", "gaussian", "brightness")


def drawn(made, epoch, steps=2):
    """The noise of an epoch's first steps: by layer, float32 (steps, replicas, 32, 8, 8, 3)."""
    ones = tf.ones((32, 8, 8, 3))
    layers = [made.network.model.get_layer(name) for name in NOISES]
    draw = tf.function(lambda: made.strategy.run(lambda: [layer(ones, training=True) for layer in layers]))
    made.steps.begin_epoch(epoch)
    found = [[made.strategy.experimental_local_results(each) for each in draw()] for _ in range(steps)]
    return {name: np.array([[np.asarray(r) for r in step[n]] for step in found]) for n, name in enumerate(NOISES)}


def noise(strategy):
    """Layer -> whether replicas, steps and epochs differ, and a second training draws the same."""

    def made(seed):
        with strategy.scope():
            return training(recipe(), examples(24), examples(11, 1), strategy=strategy, backbone=noisy, seed=seed)

    noisy = Noisy(
        name="noisy", family="noisy", feature_width=8, stages=(("stage5", "conv1"),), parameters=224, gflops_224=0.01,
        weights_file=None,
    )  # fmt: skip
    one = made(0)
    first, second, again = drawn(one, 0), drawn(one, 1), drawn(made(0), 0)
    return {
        name: {
            "replicas differ": bool((found[:, 0] != found[:, 1]).any(axis=(1, 2, 3, 4)).all()),
            "steps differ": bool((found[0] != found[1]).any(axis=(1, 2, 3, 4)).all()),
            "epochs differ": not np.array_equal(found, second[name]),
            "repeatable": np.array_equal(found, again[name]),
        }
        for name, found in first.items()
    }


def resumed(strategy):
    """How far apart a training with Dropout and one that was interrupted are; parts of a batch differ in number."""
    asked = recipe(epochs=3, head=("dropout:0.5", "gap", "dropout:0.5", "softmax"))

    def fit(path, die_in=None):
        made = training(asked, examples(23), examples(11, 1), strategy=strategy, backbone="plain", micro_batch=3)

        def on_step(epoch, done):
            if epoch == die_in:
                raise KeyboardInterrupt

        checkpoint = Checkpoint(path, Identity("a", {}), made.variables)
        return made, Fit(made, Listeners(on_step=on_step), checkpoint).run()

    with TemporaryDirectory() as folder:
        whole, _ = fit(Path(folder) / "whole.npz")
        with suppress(KeyboardInterrupt):
            fit(Path(folder) / "parts.npz", die_in=2)
        parts, progressed = fit(Path(folder) / "parts.npz")
    return {"variables": difference(whole, parts), "interruptions": progressed.interruptions}


def main():
    cpus = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = make_strategy("mirrored", 1)
    found = {}
    for name, backbone in (("no batch norm", "plain"), ("batch norm", "tiny")):
        found[name], found[f"{name}, one image left"] = in_turn(strategy, recipe(), backbone, (24, 25))
    (found["averaged"],) = in_turn(strategy, recipe(ema_momentum=0.5), "plain", (24,))
    found["noise"], found["resumed"] = noise(strategy), resumed(strategy)
    print(json.dumps(found))


main()
