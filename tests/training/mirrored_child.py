"""Trainings over two logical processors and over one, in a process of its own: devices are divided before all else."""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parent.parent))

from helpers_training import examples, fitted, recipe, values

from bench.training.loop.prediction import predicted
from bench.training.strategies import make_strategy, strategy_name


def difference(one, other):
    """The largest of all variables."""
    return max(float(np.abs(a - b).max()) for (_, a), (_, b) in zip(values(one), values(other), strict=True))


def replicas_differ(training):
    """The largest difference between the copies of a variable."""
    copies = [training.strategy.experimental_local_results(v.value) for v in training.network.variables]
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in copies)


def pair(strategy, asked, images, backbone):
    """The same training over two replicas of 4 images and over one of 8."""
    train, val = examples(images), examples(11, 1)
    two, rows_two = fitted(asked, train, val, strategy=strategy, backbone=backbone)
    one, rows_one = fitted(asked, train, val, backbone=backbone)
    return {
        "strategy": strategy_name(strategy),
        "variables": difference(two, one),
        "losses": max(abs(a.loss - b.loss) for a, b in zip(rows_two.rows, rows_one.rows, strict=True)),
        "predictions": float(np.abs(predicted(two, val)[0] - predicted(one, val)[0]).max()),
        "replicas": replicas_differ(two),
        "finite": all(np.isfinite(value).all() for _, value in values(two)),
    }


def main():
    cpus = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = make_strategy("mirrored", 1)
    asked = recipe()
    found = {
        "no batch norm": pair(strategy, asked, 24, "plain"),
        "no batch norm, one image left": pair(strategy, asked, 25, "plain"),
        "batch norm": pair(strategy, asked, 24, "tiny"),
        "batch norm, one image left": pair(strategy, asked, 25, "tiny"),
        "averaged": pair(strategy, recipe(ema_momentum=0.5), 24, "plain"),
    }
    print(json.dumps(found))


main()
