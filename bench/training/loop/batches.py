"""Batches for every replica: which rows by `portions`, their pictures decoded in parallel ahead of their use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.data.augmentation import Augmentation, epoch_changes, epoch_order
from bench.data.reading import Pictures, Stored
from bench.training.loop.portions import portions, step_count

Place = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float32], np.float32]
_PLACE_TYPES = (tf.int64, tf.float32, tf.float32, tf.float32)


class Source(Protocol):
    """Where inputs come from by row: pictures, or saved outputs of a frozen part."""

    @property
    def spec(self) -> tf.TensorSpec:
        """Shape and type of a batch of inputs."""

    def lookup(self, rows: Any, views: Any) -> Any:
        """Inputs of these rows (b,), in these views int32 (b,) where the source keeps several."""


@dataclass(frozen=True)
class Examples:
    """Inputs by row, and their labels: int64 (N,)."""

    source: Source
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Replicas:
    """How many replicas there are, and which of them this process feeds."""

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


class Places:
    """What each local replica gets, step by step and replica by replica: place k is a function of k.

    A place is rows (b,), changes (b, 4), weights (b,) and the images present in the whole step.
    """

    def __init__(self, images: int, global_batch: int, replicas: Replicas) -> None:
        self._images, self._global_batch, self._replicas = images, global_batch, replicas
        self._per_epoch = step_count(images, global_batch) * len(replicas.local)

    def __call__(self, number: npt.NDArray[np.int64]) -> Place:
        """Place `number`."""
        epoch, within = divmod(int(number), self._per_epoch)
        step, replica = divmod(within, len(self._replicas.local))
        order, changes = self.epoch(epoch)
        rows = order[step * self._global_batch : (step + 1) * self._global_batch]
        portion = portions(rows, self._replicas.total)[self._replicas.local[replica]]
        return portion.rows, changes[portion.rows], portion.weights, np.float32(portion.present)

    def of_epochs(self, epochs: range) -> range:
        """The numbers of these epochs' places."""
        return range(epochs.start * self._per_epoch, epochs.stop * self._per_epoch)

    def epoch(self, epoch: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The order of the images, int64 (N,), and how each is changed, float32 (N, 4): in turn, and not at all."""
        changes = np.ones((self._images, 4), np.float32)
        changes[:, 0] = 0
        return np.arange(self._images), changes


class TrainingPlaces(Places):
    """Shuffled anew every epoch, and augmented."""

    def __init__(
        self, images: int, global_batch: int, replicas: Replicas, augmentation: Augmentation, seed: int
    ) -> None:
        super().__init__(images, global_batch, replicas)
        self._augmentation, self._seed = augmentation, seed
        self.epoch = lru_cache(maxsize=2)(self._epoch)  # type: ignore[method-assign]  # the next one begins early

    def _epoch(self, epoch: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        order = epoch_order(self._seed, epoch, self._images)
        return order, epoch_changes(self._augmentation, self._seed, epoch, self._images)


def batches(examples: Examples, places: Places, epochs: range, strategy: tf.distribute.Strategy) -> Iterator[Any]:
    """Batches of these epochs for `strategy.run`: (inputs, labels, changes, weights, present, rows)."""
    labels, numbers = tf.constant(examples.labels), places.of_epochs(epochs)

    def look_up(number: Any) -> tuple[Any, ...]:
        rows, changes, weights, present = tf.numpy_function(places, [number], _PLACE_TYPES)
        rows, changes = tf.ensure_shape(rows, [None]), tf.ensure_shape(changes, [None, 4])
        inputs = examples.source.lookup(rows, tf.cast(changes[:, 0], tf.int32))
        inputs = tf.ensure_shape(inputs, examples.source.spec.shape)
        return (
            inputs,
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
        return found.map(look_up, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)

    if strategy.num_replicas_in_sync == 1:
        return iter(dataset())
    return iter(strategy.distribute_datasets_from_function(dataset))


class PictureSource:
    """Decoded pictures by row: uint8 (b, px, px, 3). They come as they are; views are made on the device."""

    def __init__(self, stored: Stored, image_px: int) -> None:
        self._pictures = Pictures(stored)
        self.spec = tf.TensorSpec((None, image_px, image_px, 3), tf.uint8)

    def lookup(self, rows: Any, views: Any) -> Any:
        """The pictures of these rows."""
        return self._pictures.decoded(rows)
