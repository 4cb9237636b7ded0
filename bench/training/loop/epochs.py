"""The loop over epochs, and its clock.

`Model.fit` of Keras 3 fails under MultiWorkerMirroredStrategy, and a benchmark must own its clock: `train_seconds` of
an epoch runs from its first step until the last step's result has been fetched, without evaluation, checkpoints and
callbacks. Callbacks of Keras work here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from bench.config.schedule import learning_rates
from bench.training.clock import first_call_excess
from bench.training.failures import check_finite
from bench.training.loop.batches import Places, Replicas, batches, shuffled
from bench.training.loop.checkpoint import Checkpoint, Progressed
from bench.training.loop.history import EpochRow, should_stop, validation_scores
from bench.training.loop.portions import step_count
from bench.training.loop.prediction import predicted
from bench.training.loop.steps import Training

FETCH_EVERY = 50  # steps: a loss that is not finite is noticed so many steps later at most


@dataclass(frozen=True)
class Listeners:
    """Callbacks of Keras, and functions of an epoch's row, of (epoch, steps done) and of the reason of a restart."""

    callbacks: Sequence[keras.callbacks.Callback] = ()
    on_epoch: Callable[[EpochRow], None] = lambda row: None
    on_step: Callable[[int, int], None] = lambda epoch, done: None
    on_restart: Callable[[str], None] = print


class Fit:
    """Training epoch by epoch, from the start or from a checkpoint."""

    def __init__(
        self, training: Training, listeners: Listeners | None = None, checkpoint: Checkpoint | None = None
    ) -> None:
        self._training, self._checkpoint = training, checkpoint
        self._listeners = listeners or Listeners()
        self._steps = step_count(len(training.train), training.global_batch)
        model = training.network.model
        model.optimizer, model.stop_training = training.optimizer, False  # callbacks read them there
        self._callbacks = keras.callbacks.CallbackList(
            list(self._listeners.callbacks), model=model, epochs=training.recipe.epochs, steps=self._steps
        )
        self._began = False

    def run(self) -> Progressed:
        """Trains until the last epoch, or until the recipe or a callback stops it.

        Raises:
            NonFiniteLossError: a step's loss is not finite.
            UserError: the checkpoint is damaged, or another run's.
        """
        done = (self._checkpoint.restore(self._listeners.on_restart) if self._checkpoint else None) or Progressed()
        rates = learning_rates(self._training.recipe.schedule, self._training.recipe.epochs)
        feed = self._feed(range(len(done.rows), len(rates)))
        self._callbacks.on_train_begin()
        while len(done.rows) < len(rates) and not self._must_stop(done):
            self._training.optimizer.learning_rate.assign(rates[len(done.rows)])
            done = self._epoch(done, feed)
            self._listeners.on_epoch(done.rows[-1])
        self._callbacks.on_train_end()
        return done

    def _feed(self, epochs: range) -> Iterator[Any]:
        """The batches of all these epochs in one stream, so that an epoch's first batch is ready when it begins."""
        training, images = self._training, len(self._training.train)
        plan = shuffled(images, training.recipe.augmentation, training.seed)
        places = Places(images, training.global_batch, Replicas.of(training.strategy), plan)
        return batches(training.train, places, epochs, training.strategy)

    def _must_stop(self, done: Progressed) -> bool:
        scores = [row.val_macro_f1 for row in done.rows]
        return bool(self._training.network.model.stop_training) or should_stop(self._training.recipe, scores)

    def _epoch(self, done: Progressed, feed: Iterator[Any]) -> Progressed:
        """Trains, scores and checkpoints one epoch."""
        epoch = len(done.rows)
        self._callbacks.on_epoch_begin(epoch)
        self._training.steps.begin_epoch(epoch)
        steps = EpochSteps(self._training, self._callbacks, self._listeners.on_step)
        steps.run(feed, self._steps, epoch)
        row = steps.row(epoch)
        done = replace(done, rows=(*done.rows, row))
        if not self._began:
            startup = done.startup_seconds + steps.startup_seconds
            done = replace(done, starts=(*done.starts, epoch), startup_seconds=startup)
        self._began = True
        done = self._saved(done)
        self._callbacks.on_epoch_end(epoch, _logs(row))
        return done

    def _saved(self, done: Progressed) -> Progressed:
        """Writes the checkpoint and returns `done` with its seconds; the file has them from the next epoch."""
        if self._checkpoint is None:
            return done
        started = time.perf_counter()
        self._checkpoint.save(done)
        row = replace(done.rows[-1], checkpoint_seconds=time.perf_counter() - started)
        return replace(done, rows=(*done.rows[:-1], row))


class EpochSteps:
    """The steps of one epoch and their row of history: losses, hits, and the seconds of training."""

    def __init__(
        self, training: Training, callbacks: keras.callbacks.CallbackList, on_step: Callable[[int, int], None]
    ) -> None:
        self._training, self._callbacks, self._on_step = training, callbacks, on_step
        self._losses: list[Any] = []
        self._hits: list[Any] = []
        self._step_seconds: list[float] = []
        self._seconds = self._wait_seconds = 0.0

    def run(self, feed: Iterator[Any], steps: int, epoch: int) -> None:
        """Trains on that many batches.

        Raises:
            NonFiniteLossError: names epoch and step.
        """
        for step in range(steps):
            self._callbacks.on_train_batch_begin(step)
            self._step(feed)
            if (step + 1) % FETCH_EVERY == 0 or step + 1 == steps:
                self._fetch(epoch)
            self._callbacks.on_train_batch_end(step, {"loss": self._losses[-1]})
            self._on_step(epoch, step + 1)

    def row(self, epoch: int) -> EpochRow:
        """Scores validation. Returns the row of the epoch."""
        training, images, batch = self._training, len(self._training.train), self._training.global_batch
        started = time.perf_counter()
        training.steps.average_statistics()
        scores = validation_scores(training.val.labels, predicted(training, training.val)[0])
        eval_seconds = time.perf_counter() - started
        present = np.minimum(batch, images - batch * np.arange(len(self._losses)))
        return EpochRow(
            epoch=epoch,
            learning_rate=float(training.optimizer.learning_rate.numpy()),
            loss=float(np.average(self._losses, weights=present)),
            accuracy=sum(self._hits) / images,
            **scores,
            train_seconds=self._seconds,
            eval_seconds=eval_seconds,
            input_wait_seconds=self._wait_seconds,
        )

    @property
    def startup_seconds(self) -> float:
        """Seconds of the first step beyond an ordinary one: tracing and compilation."""
        return first_call_excess(self._step_seconds)

    def _step(self, feed: Iterator[Any]) -> None:
        started = time.perf_counter()
        batch = next(feed)
        self._wait_seconds += time.perf_counter() - started
        loss, hits = self._training.steps.train(batch)
        if not self._losses:  # the first step is clocked to its end, for `startup_seconds`
            loss = float(loss)
        self._losses.append(loss)
        self._hits.append(hits)
        self._step_seconds.append(time.perf_counter() - started)
        self._seconds += self._step_seconds[-1]

    def _fetch(self, epoch: int) -> None:
        """Waits for the device, and checks that all losses are finite."""
        started = time.perf_counter()
        self._losses = [float(loss) for loss in self._losses]
        self._hits = [float(hits) for hits in self._hits]
        self._seconds += time.perf_counter() - started
        check_finite(self._losses, epoch)


def _logs(row: EpochRow) -> dict[str, float]:
    """The logs that callbacks of Keras receive at the end of an epoch."""
    names = ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate")
    return {name: float(getattr(row, name)) for name in names}
