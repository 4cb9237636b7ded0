"""Predictions of a whole split under any strategy: every image exactly once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.training.loop.batches import Examples, Places, Replicas, batches, in_turn
from bench.training.loop.portions import step_count
from bench.training.loop.steps import Training
from bench.training.network.optimizer import averaged

Floats = npt.NDArray[np.float32]


@dataclass
class Pace:
    """Seconds and images of each step, without the wait for its inputs."""

    steps: list[tuple[float, int]] = field(default_factory=list)
    image_px: int = 0

    @property
    def ms_per_image(self) -> float:
        """Median over full steps after the first, which warms up; of the first if it is the only one."""
        full = [1000 * seconds / images for seconds, images in self.steps if images == self.batch]
        return median(full[1:] or full)

    @property
    def batch(self) -> int:
        """Images of a full step."""
        return max(images for _, images in self.steps)


def predicted(training: Training, examples: Examples) -> tuple[Floats, Pace]:
    """Log-probabilities, float32 (N, C), in the order of the examples; of averaged weights if the recipe averages."""
    replicas, images = Replicas.of(training.strategy), len(examples)
    places = Places(images, training.global_batch, replicas, in_turn(images))
    found, pace = np.zeros((images, training.classes), np.float32), Pace(image_px=examples.source.spec.shape[1])
    with averaged(training.recipe, training.optimizer, training.network.trainable_variables):
        feed = batches(examples, places, range(1), training.strategy)
        for step in range(step_count(images, training.global_batch)):
            batch = next(feed)
            started = time.perf_counter()
            training.steps.predict(batch, found)
            present = min(training.global_batch, images - step * training.global_batch)
            pace.steps.append((time.perf_counter() - started, present))
    return _from_all_workers(training.strategy, found, replicas), pace


def _from_all_workers(strategy: tf.distribute.Strategy, found: Floats, replicas: Replicas) -> Floats:
    """The rows of all workers: each predicts its own and leaves zeros in the others, so that their sum is the whole."""
    if len(replicas.local) == replicas.total:
        return found

    def of_replica(context: Any) -> Any:
        return tf.constant(found if context.replica_id_in_sync_group % len(replicas.local) == 0 else 0 * found)

    values = strategy.experimental_distribute_values_from_function(of_replica)
    return np.asarray(strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None))
