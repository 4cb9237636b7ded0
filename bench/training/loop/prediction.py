"""Predictions of a whole split under any strategy: every image once, none dropped, none repeated."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.training.loop.batches import Examples, Places, batches
from bench.training.loop.portions import step_count
from bench.training.loop.steps import Training
from bench.training.network.optimizer import averaged

Floats = npt.NDArray[np.float32]


@dataclass
class Pace:
    """How long each step took, pictures ready: seconds and images."""

    steps: list[tuple[float, int]] = field(default_factory=list)
    image_px: int = 0

    @property
    def ms_per_image(self) -> float:
        """Median over full steps after the first, which warms up; of all there are where there is no other."""
        most = max(images for _, images in self.steps)
        full = [1000 * seconds / images for seconds, images in self.steps if images == most]
        return median(full[1:] or full)

    @property
    def batch(self) -> int:
        """Images of a full step."""
        return max(images for _, images in self.steps)


def predicted(training: Training, examples: Examples) -> tuple[Floats, Pace]:
    """Log-probabilities, float32 (N, C), in the order of the examples; of averaged weights where the recipe says so."""
    replicas, images = training.replicas, len(examples)
    places = Places(images, training.global_batch, replicas)
    found, pace = np.zeros((images, training.classes), np.float32), Pace(image_px=examples.source.spec.shape[1])
    with averaged(training.recipe, training.optimizer, training.network.trainable_variables):
        feed = batches(examples, places, range(1), training.strategy)
        for step in range(step_count(images, training.global_batch)):
            batch = next(feed)
            started = time.perf_counter()
            training.steps.predict(batch, found)
            present = min(training.global_batch, images - step * training.global_batch)
            pace.steps.append((time.perf_counter() - started, present))
    return _from_all_workers(
        training.strategy, found, replicas.local[0] > 0 or len(replicas.local) < replicas.total
    ), pace


def _from_all_workers(strategy: tf.distribute.Strategy, found: Floats, several: bool) -> Floats:
    """Every worker predicts its own rows and leaves zeros in the others: their sum is the whole."""
    if not several:
        return found

    def own(context: Any) -> Any:
        return tf.constant(found if context.replica_id_in_sync_group % _local_replicas(strategy) == 0 else 0 * found)

    values = strategy.experimental_distribute_values_from_function(own)
    return np.asarray(strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None))


def _local_replicas(strategy: tf.distribute.Strategy) -> int:
    return len(strategy.extended.worker_devices)
