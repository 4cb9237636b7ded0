"""Trainings over two logical processors and over one, in a process of its own: devices are divided before all else."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parent.parent))

from helpers_training import examples, recipe, training, values

from bench.training.loop.epochs import Fit
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


def main():
    cpus = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = make_strategy("mirrored", 1)
    found = {}
    for name, backbone in (("no batch norm", "plain"), ("batch norm", "tiny")):
        found[name], found[f"{name}, one image left"] = in_turn(strategy, recipe(), backbone, (24, 25))
    (found["averaged"],) = in_turn(strategy, recipe(ema_momentum=0.5), "plain", (24,))
    print(json.dumps(found))


main()
