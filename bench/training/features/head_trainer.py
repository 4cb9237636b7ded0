"""Trains heads on pooled features: an epoch is one call of one graph, traced once for all seeds and resolutions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.config.recipe import Recipe
from bench.config.schedule import learning_rates
from bench.data.augmentation import epoch_order, epoch_views
from bench.training.failures import check_finite
from bench.training.loop.history import EpochRow, should_stop, validation_scores
from bench.training.network.head import pooled_head
from bench.training.network.losses import class_weights, example_losses
from bench.training.network.optimizer import averaged, make_optimizer

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Features:
    """Pooled features of a split: mean and variance over positions, float32 (views, N, F). View 0 is not flipped."""

    mean: Floats
    variance: Floats

    @property
    def images(self) -> int:
        """N."""
        return int(self.mean.shape[1])


@dataclass(frozen=True)
class FeatureExamples:
    """Features and labels, int64 (N,)."""

    features: Features
    labels: Labels


class HeadTrainer:
    """One recipe's head on features of one width. `train` may be called for any number of seeds and feature sets."""

    def __init__(self, recipe: Recipe, width: int, classes: int) -> None:
        self.recipe, self.width, self.classes = recipe, width, classes
        self.model = pooled_head(recipe.layers, width, classes, seed=0)
        self.optimizer = make_optimizer(recipe, self.model.trainable_variables)
        self.startup_seconds = 0.0
        moments = [tf.TensorSpec((None, width), tf.float32)] * 2
        rows = [tf.TensorSpec((None,), kind) for kind in (tf.int64, tf.float32, tf.int64)]
        # Signatures: a second shape would be traced in the first epoch of whichever run comes first.
        self._epoch = tf.function(self._epoch_graph, input_signature=[*moments, *rows])
        self._logits = tf.function(lambda *both: self.model([*both], training=False), input_signature=moments)

    @property
    def parameters(self) -> int:
        """Number of parameters of the head."""
        return int(self.model.count_params())

    def restart(self, seed: int) -> None:
        """Resets every variable to its start for that seed: weights, moving statistics, random streams, optimizer."""
        fresh = pooled_head(self.recipe.layers, self.width, self.classes, seed)
        # Model.variables is complete; get_weights leaves out the seed generators of Dropout.
        for ours, start in zip(self.model.variables, fresh.variables, strict=True):
            ours.assign(start)
        for variable in self.optimizer.variables:
            variable.assign(tf.zeros_like(variable))

    def warm_up(self, train: FeatureExamples) -> float:
        """Traces, and trains on a full and a partial batch. Returns the seconds, which every run is charged for."""
        self._logits.get_concrete_function()
        started = time.perf_counter()
        data = _Rows.of(train, self.recipe, self.classes)
        order = tf.range(min(data.images, self.recipe.batch_per_replica + 1), dtype=tf.int64)
        np.asarray(self._epoch(*data.tensors, order)[0])
        self.startup_seconds = time.perf_counter() - started
        return self.startup_seconds

    def train(
        self, train: FeatureExamples, val: FeatureExamples, seed: int, on_epoch: Callable[[EpochRow], None]
    ) -> list[EpochRow]:
        """Trains one head from its start, until the recipe stops it. `on_epoch` is called after each epoch, unclocked.

        Raises:
            NonFiniteLossError: a step's loss is not finite.
        """
        self.restart(seed)
        data = _Rows.of(train, self.recipe, self.classes)
        rows: list[EpochRow] = []
        for epoch, rate in enumerate(learning_rates(self.recipe.schedule, self.recipe.epochs)):
            self.optimizer.learning_rate.assign(rate)
            loss, accuracy, seconds = self._timed_epoch(data, seed, epoch)
            started = time.perf_counter()
            scores = validation_scores(val.labels, self.log_probs(val.features))
            clocks = {"train_seconds": seconds, "eval_seconds": time.perf_counter() - started}
            rows.append(EpochRow(epoch, rate, loss, accuracy, **scores, **clocks))
            on_epoch(rows[-1])
            if should_stop(self.recipe, [row.val_macro_f1 for row in rows]):
                break
        return rows

    def log_probs(self, features: Features) -> Floats:
        """Log-probabilities of unaugmented images, float32 (N, C); of averaged weights if the recipe averages."""
        with averaged(self.recipe, self.optimizer, self.model.trainable_variables):
            logits = self._logits(tf.constant(features.mean[0]), tf.constant(features.variance[0]))
        return np.asarray(tf.nn.log_softmax(logits), dtype=np.float32)

    def _timed_epoch(self, data: _Rows, seed: int, epoch: int) -> tuple[float, float, float]:
        """Trains one epoch. Returns its loss, accuracy and seconds."""
        started = time.perf_counter()
        order = tf.constant(data.rows(seed, epoch, self.recipe.views))
        losses, hits = self._epoch(*data.tensors, order)
        losses = np.asarray(losses)  # fetched: the clock stops when the result has arrived
        seconds = time.perf_counter() - started
        check_finite(losses, epoch, self.recipe.batch_per_replica)
        return float(losses.mean()), float(hits) / data.images, seconds

    def _epoch_graph(self, mean: Any, variance: Any, labels: Any, weights: Any, order: Any) -> tuple[Any, Any]:
        """One epoch over rows in that order. Returns each image's loss, in order, and the number of hits."""
        images, batch = tf.shape(order)[0], self.recipe.batch_per_replica
        losses = tf.zeros([0], tf.float32)
        hits = tf.constant(0, tf.int64)
        for start in tf.range(0, images, batch):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(losses, tf.TensorShape([None]))])
            rows = order[start : start + batch]
            step = [tf.gather(values, rows) for values in (mean, variance, labels, weights)]
            step_losses, step_hits = self._step(*step)
            losses, hits = tf.concat([losses, step_losses], 0), hits + step_hits
        return losses, hits

    def _step(self, mean: Any, variance: Any, labels: Any, weights: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            logits = self.model([mean, variance], training=True)
            losses = example_losses(self.recipe, labels, logits) * weights
            loss = tf.reduce_mean(losses)  # over the images present, also in a short last batch
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return losses, tf.math.count_nonzero(tf.argmax(logits, 1) == labels)


@dataclass(frozen=True)
class _Rows:
    """Training features with their views laid end to end, as tensors: row view * N + image."""

    tensors: tuple[Any, ...]  # mean, variance, label, and the weight of the label's class in the loss
    images: int

    @classmethod
    def of(cls, examples: FeatureExamples, recipe: Recipe, classes: int) -> _Rows:
        features, labels = examples.features, examples.labels
        views, images, width = features.mean.shape
        flat = (views * images, width)
        weights = class_weights(recipe, labels, classes)[labels]
        moments = features.mean.reshape(flat), features.variance.reshape(flat)
        arrays = *moments, np.tile(labels, views), np.tile(weights, views)
        return cls(tuple(map(tf.constant, arrays)), images)

    def rows(self, seed: int, epoch: int, views: int) -> Labels:
        """The rows that an epoch sees, in order."""
        order = epoch_order(seed, epoch, self.images)
        return epoch_views(seed, epoch, self.images, views)[order] * self.images + order
