"""Batches for every replica: rows by `portions`, their inputs looked up in parallel ahead of their use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.data.augmentation import Augmentation, epoch_changes, epoch_order
from bench.data.reading import Pictures, Stored
from bench.training.loop.portions import portions, step_count

# From an epoch's number to the order of its images, int64 (N,), and how each image is changed, float32 (N, 4).
EpochPlans: TypeAlias = Callable[[int], tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]
Place: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float32], np.float32]
_PLACE_TYPES = (tf.int64, tf.float32, tf.float32, tf.float32)


class Source(Protocol):
    """Inputs by row: pictures, or saved outputs of a frozen part."""

    @property
    def spec(self) -> tf.TensorSpec:
        """Shape and type of a batch of inputs."""

    def lookup(self, rows: Any, views: Any) -> Any:
        """Inputs of these rows (b,), in these views int32 (b,) if the source keeps several."""


class PictureSource:
    """Decoded pictures by row: uint8 (b, px, px, 3). Their views are made on the device."""

    def __init__(self, stored: Stored, image_px: int) -> None:
        self._pictures = Pictures(stored)
        self.spec = tf.TensorSpec((None, image_px, image_px, 3), tf.uint8)

    def lookup(self, rows: Any, views: Any) -> Any:
        """The pictures of these rows."""
        return self._pictures.decoded(rows)


@dataclass(frozen=True)
class Examples:
    """Inputs by row, and their labels: int64 (N,)."""

    source: Source
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Replicas:
    """The number of replicas, and which of them this process feeds."""

    total: int
    local: tuple[int, ...]

    @classmethod
    def of(cls, strategy: tf.distribute.Strategy) -> Replicas:
        """Those of a strategy: with several workers each feeds its own."""
        resolver = strategy.cluster_resolver
        total = strategy.num_replicas_in_sync
        if resolver is None or not resolver.cluster_spec().as_dict().get("worker"):
            return cls(total, tuple(range(total)))
        each = strategy.extended._num_replicas_in_sync // max(1, strategy.extended._num_workers)
        return cls(total, tuple(range(resolver.task_id * each, (resolver.task_id + 1) * each)))


def in_turn(images: int) -> EpochPlans:
    """Every epoch alike: all images in order, unchanged."""
    changes = np.ones((images, 4), np.float32)
    changes[:, 0] = 0
    plan = np.arange(images), changes
    return lambda epoch: plan


def shuffled(images: int, augmentation: Augmentation, seed: int) -> EpochPlans:
    """Every epoch in another order, with other changes."""

    @lru_cache(maxsize=2)  # the next epoch begins before the last ends
    def plan(epoch: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        return epoch_order(seed, epoch, images), epoch_changes(augmentation, seed, epoch, images)

    return plan


class Places:
    """The share of each local replica, step by step and replica by replica: place k is a function of k.

    A place is rows (b,), changes (b, 4), weights (b,) and the number of images present in the whole step.
    """

    def __init__(self, images: int, global_batch: int, replicas: Replicas, plans: EpochPlans) -> None:
        self._global_batch, self._replicas, self._plans = global_batch, replicas, plans
        self._per_epoch = step_count(images, global_batch) * len(replicas.local)

    def __call__(self, number: npt.NDArray[np.int64]) -> Place:
        """Place `number`."""
        epoch, within = divmod(int(number), self._per_epoch)
        step, replica = divmod(within, len(self._replicas.local))
        order, changes = self._plans(epoch)
        rows = order[step * self._global_batch : (step + 1) * self._global_batch]
        portion = portions(rows, self._replicas.total)[self._replicas.local[replica]]
        return portion.rows, changes[portion.rows], portion.weights, np.float32(portion.present)

    def of_epochs(self, epochs: range) -> range:
        """The numbers of these epochs' places."""
        return range(epochs.start * self._per_epoch, epochs.stop * self._per_epoch)


def batches(examples: Examples, places: Places, epochs: range, strategy: tf.distribute.Strategy) -> Iterator[Any]:
    """Batches of these epochs for `strategy.run`: (inputs, labels, changes, weights, present, rows)."""
    labels, numbers = tf.constant(examples.labels), places.of_epochs(epochs)

    def batch(number: Any) -> tuple[Any, ...]:
        rows, changes, weights, present = tf.numpy_function(places, [number], _PLACE_TYPES)
        rows, changes = tf.ensure_shape(rows, [None]), tf.ensure_shape(changes, [None, 4])
        inputs = examples.source.lookup(rows, tf.cast(changes[:, 0], tf.int32))
        return (
            tf.ensure_shape(inputs, examples.source.spec.shape),
            tf.gather(labels, rows),
            changes,
            tf.ensure_shape(weights, [None]),
            tf.ensure_shape(present, []),
            rows,
        )

    def dataset(_: Any = None) -> tf.data.Dataset:
        # Never from_generator: it sets glibc's M_TRIM_THRESHOLD to 128 KiB for the whole process, and every step would
        # give its memory back to the system.
        found = tf.data.Dataset.range(numbers.start, numbers.stop)
        return found.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)

    if strategy.num_replicas_in_sync == 1:
        return iter(dataset())
    return iter(strategy.distribute_datasets_from_function(dataset))
