"""Steps of training and prediction under any strategy, and the parts of a training that they work on.

The epochs around the steps, and their clock, are in `epochs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.config.recipe import Recipe
from bench.data.augmentation import augment
from bench.training.loop.batches import Examples
from bench.training.loop.noise import ReplicaNoise
from bench.training.network.losses import example_losses
from bench.training.network.network import Network


@dataclass(frozen=True)
class Execution:
    """How steps are executed.

    Attributes:
        strategy: distributes them over devices.
        xla: whether training steps are compiled with XLA.
        micro_batch: images per gradient and replica; None: all images of the replica in the step.
    """

    strategy: tf.distribute.Strategy
    xla: bool = False
    micro_batch: int | None = None


class Steps:
    """A network's training step and prediction step, as graphs over per-replica batches.

    A batch is (inputs, labels, changes, weights, present, rows), as `batches` yields them; inputs are uint8 pictures,
    or float32 maps, the outputs of the network's frozen front. A loss is divided by the number of images present in the
    whole step, so that an image of a short last batch has the weight of any other.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        optimizer: keras.optimizers.Optimizer,
        class_weights: npt.NDArray[np.float32],
        execution: Execution,
    ) -> None:
        self._network, self._recipe, self._optimizer = network, recipe, optimizer
        self._class_weights = tf.constant(class_weights)
        self._execution, self._strategy = execution, execution.strategy
        self._several = self._strategy.num_replicas_in_sync > 1
        self._variables = network.trainable_variables
        self._noise = ReplicaNoise(network.model, self._strategy)
        self._train = tf.function(self._train_graph, reduce_retracing=True, jit_compile=execution.xla or None)
        self._predict = tf.function(self._predict_graph, reduce_retracing=True, autograph=False)
        self._average = tf.function(self._average_graph, autograph=False)

    def begin_epoch(self, epoch: int) -> None:
        """Gives the replicas noise of their own for the steps of an epoch."""
        self._noise.begin(epoch)

    def train(self, batch: tuple[Any, ...]) -> tuple[Any, Any]:
        """One step. Returns the mean loss and the number of hits of its images, not yet fetched from the device."""
        loss, hits = self._train(*batch[:5])
        return loss, hits

    def predict(self, batch: tuple[Any, ...], out: npt.NDArray[np.float32]) -> None:
        """Fills the rows of `out`, float32 (N, C), that are in the batch with log-probabilities."""
        inputs, _, _, weights, _, rows = batch
        found = self._predict(inputs)
        local = map(self._strategy.experimental_local_results, (found, weights, rows))
        for log_probs, weight, row in zip(*local, strict=True):
            kept = np.asarray(weight) > 0
            out[np.asarray(row)[kept]] = np.asarray(log_probs)[kept]

    def average_statistics(self) -> None:
        """Makes BatchNorm's moving statistics the mean over replicas: Keras 3 keeps those of each replica apart."""
        if self._several and self._statistics():
            self._average()

    def _train_graph(self, *batch: Any) -> tuple[Any, Any]:
        if not self._several:
            return self._replica_step(*batch)
        losses, hits = self._strategy.run(self._replica_step, batch)
        total = tf.distribute.ReduceOp.SUM
        return self._strategy.reduce(total, losses, axis=None), self._strategy.reduce(total, hits, axis=None)

    def _replica_step(self, *batch: Any) -> tuple[Any, Any]:
        gradients_of = self._gradients if self._execution.micro_batch is None else self._gathered_gradients
        loss, hits, gradients = gradients_of(*batch)
        self._optimizer.apply(gradients, self._variables)
        return loss, hits

    def _gradients(self, inputs: Any, labels: Any, changes: Any, weights: Any, present: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            logits = self._network.rest(self._trainable_inputs(inputs, changes), training=True)
            losses = example_losses(self._recipe, labels, logits) * tf.gather(self._class_weights, labels) * weights
            loss = tf.reduce_sum(losses) / present
            scaled = self._optimizer.scale_loss(loss)
        hits = tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == labels, tf.float32) * weights)
        return loss, hits, tape.gradient(scaled, self._variables)

    def _gathered_gradients(self, *batch: Any) -> tuple[Any, Any, Any]:
        """The same, summed over micro-batches."""
        *of_images, present = batch
        loss, hits = tf.constant(0.0), tf.constant(0.0)
        gradients = [tf.zeros(variable.shape, tf.float32) for variable in self._variables]
        for start in tf.range(0, tf.shape(of_images[0])[0], self._execution.micro_batch):
            part = slice(start, start + self._execution.micro_batch)
            micro_batch = [*(values[part] for values in of_images), present]
            part_loss, part_hits, part_gradients = self._gradients(*micro_batch)
            loss, hits = loss + part_loss, hits + part_hits
            gradients = [whole + tf.cast(part, tf.float32) for whole, part in zip(gradients, part_gradients)]  # noqa: B905
        return loss, hits, gradients

    def _trainable_inputs(self, inputs: Any, changes: Any) -> Any:
        """Inputs of the trainable part: pictures augmented, prepared, through the front; maps as they are."""
        if not _are_pictures(inputs):
            return inputs
        images = self._network.adapter.prepare(augment(self._recipe.augmentation, inputs, changes))
        front = self._network.front
        return images if front is None else front(images, training=False)

    def _predict_graph(self, inputs: Any) -> Any:
        if not self._several:
            return self._log_probs(inputs)
        return self._strategy.run(self._log_probs, (inputs,))

    def _log_probs(self, inputs: Any) -> Any:
        if _are_pictures(inputs):
            logits = self._network.model(self._network.adapter.prepare(inputs), training=False)
        else:
            logits = self._network.rest(inputs, training=False)
        return tf.nn.log_softmax(tf.cast(logits, tf.float32))

    def _average_graph(self) -> None:
        statistics = self._statistics()

        def average() -> None:
            values = [tf.identity(variable) for variable in statistics]  # a variable itself has no destination
            means = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)
            for variable, mean in zip(statistics, means, strict=True):
                variable.assign(mean)

        self._strategy.run(average)

    def _statistics(self) -> list[Any]:
        model = self._network.model
        return [variable.value for variable in model.non_trainable_variables if variable.dtype == "float32"]


def _are_pictures(inputs: Any) -> bool:
    return bool(inputs.dtype == tf.uint8)


@dataclass(frozen=True)
class Training:
    """A network, its examples and its settings: all that the loop needs.

    Attributes:
        network, optimizer, steps, strategy: built together, in the strategy's scope.
        recipe: with the schedule as trained, scaled by `lr_scale` and replicas.
        train: examples to train on; their source may be the saved outputs of the network's frozen front.
        val: examples to score after each epoch, from the same kind of source.
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
    def variables(self) -> list[Any]:
        """All state that later steps depend on."""
        return [*self.network.variables, *self.optimizer.variables]
