"""All that the epochs of a run need, built together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from bench.config import Recipe
from bench.training.feeding import Examples, Replicas
from bench.training.loop import Steps
from bench.training.network import Network


@dataclass(frozen=True)
class Training:
    """What trains on what.

    Attributes:
        network, optimizer, steps, strategy: built together, in the strategy's scope.
        recipe: its schedule is the one that is trained, scaled by rates and replicas.
        train: examples to train on; their source may be the saved outputs of the network's frozen front.
        val: pictures to score after each epoch.
        classes: C.
        global_batch: images of a step over all replicas.
        seed: of the order and the augmentation.
    """

    network: Network
    optimizer: keras.optimizers.Optimizer
    steps: Steps
    strategy: tf.distribute.Strategy
    recipe: Recipe
    train: Examples
    val: Examples
    classes: int
    global_batch: int
    seed: int

    @property
    def replicas(self) -> Replicas:
        """Of the strategy."""
        return Replicas.of(self.strategy)

    @property
    def variables(self) -> list[Any]:
        """Everything whose value decides what comes next."""
        return [*self.network.variables, *self.optimizer.variables]
