"""Noise of several replicas: Dropout and other random layers draw other numbers on each.

The state of a random layer, a seed and a counter, is mirrored, so that all replicas would draw the same mask. Instead
each replica begins each epoch from a state of its own: like the shuffling, a function of (state of the built layer,
epoch, replica). One device keeps the state of Keras throughout, and equals `Model.fit`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

_LIMIT = 2**31 - 2  # Keras draws with both words of a state modulo this


class ReplicaNoise:
    """The states of a network's random layers on every replica: Dropout of all kinds, Gaussian noise, augmentation."""

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy) -> None:
        """`model`: built in the strategy's scope, and not trained yet."""
        self._strategy = strategy
        self._states = [v for v in model.variables if v.name == "seed_generator_state"]
        self._built = [state.numpy().tolist() for state in self._states]
        self._assign = tf.function(self._assign_graph, autograph=False)

    def begin(self, epoch: int) -> None:
        """Sets all states for the steps of an epoch; of a single replica nothing."""
        replicas = self._strategy.num_replicas_in_sync
        if replicas > 1 and self._states:
            starts = [[_start(built, epoch, replica) for built in self._built] for replica in range(replicas)]
            self._assign(tf.constant(starts, tf.int64))

    def _assign_graph(self, starts: Any) -> None:
        def assign(starts: Any) -> None:
            ours = starts[tf.distribute.get_replica_context().replica_id_in_sync_group]
            for number, state in enumerate(self._states):
                state.assign(tf.cast(ours[number], state.dtype))

        self._strategy.run(assign, (starts,))


def _start(built: list[int], epoch: int, replica: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([*built, epoch, replica]).integers(_LIMIT, size=2)
