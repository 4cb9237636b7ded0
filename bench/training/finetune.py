"""Fine-tuned runs: a network that trains whole or from a stage on, under any strategy."""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from bench.config.run import RunConfig
from bench.data.reading import named_faults
from bench.environment import is_chief, kernels, versions
from bench.jobs.messages import Emit, TrainJob
from bench.store.store import Split
from bench.training.assembly import Assembly, Batching
from bench.training.code import training_code
from bench.training.costs import tuned_cost
from bench.training.device import device_name
from bench.training.failures import OutOfMemoryError, report_outcome
from bench.training.kept import save_model
from bench.training.loop.batches import Examples
from bench.training.loop.checkpoint import Checkpoint, Identity, Progressed
from bench.training.loop.epochs import Fit, Listeners
from bench.training.loop.history import EpochRow
from bench.training.loop.prediction import Floats, predicted
from bench.training.loop.steps import Training
from bench.training.results import JobContext, TrainedRun
from bench.training.strategies import make_strategy, strategy_name
from bench.training.tensorboard import write_curves
from ensembles.metrics import macro_f1


def run_finetuned(job: TrainJob, emit: Emit, log: Path) -> None:
    """Trains and stores the job's run, or reports its failure.

    Raises:
        UserError: a mistake of the user.
    """
    report_outcome(job.runs[0].run_id, emit, lambda: FinetuneJob(job, emit, log).train())


class FinetuneJob:
    """One run, from its configuration to its directory in the store."""

    def __init__(self, job: TrainJob, emit: Emit, log: Path) -> None:
        self._job, self._run, self._config = job, job.runs[0], job.runs[0].config
        _set_up(self._config)
        self._strategy = make_strategy(self._config.strategy, job.worker_timeout_seconds)  # before any operation
        self._context = JobContext(job, emit, log)
        self._report = partial(self._context.report_progress, self._run)
        self._unfinished = self._context.store.unfinished(self._run.run_id)
        self._assembly = Assembly(self._context, self._config, self._strategy)
        self._is_chief = is_chief()

    def train(self) -> float:
        """Trains, predicts and stores. Returns macro F1 on validation."""
        self._report("building the network")
        batching = self._first_batching()
        with named_faults(self._context.source.stored(self._config.image_px, *self._context.index.splits).paths):
            while True:
                try:
                    return self._attempt(batching)
                except tf.errors.ResourceExhaustedError as error:
                    print(error)
                    smaller = self._smaller(batching)
                batching = smaller
                gc.collect()

    def _first_batching(self) -> Batching:
        """The recipe's, or the largest left to try after an earlier process ran out of memory."""
        batch, at_once = self._config.recipe.batch_per_replica, self._job.at_once
        return Batching(batch) if at_once is None else self._with(batch, at_once)

    def _with(self, batch: int, at_once: int) -> Batching:
        return Batching(at_once) if self._job.on_oom == "shrink" else Batching(batch, at_once)

    def _smaller(self, batching: Batching) -> Batching:
        """The next to try after a batch that did not fit in memory.

        Raises:
            OutOfMemoryError: `--on-oom` allows no smaller one, or a single image does not fit.
        """
        wanted, half = self._job.on_oom, batching.at_once // 2
        if wanted == "fail" or half < 1:
            raise OutOfMemoryError(
                f"{batching.at_once} images of {self._config.image_px} px at once do not fit in memory"
                + (": --on-oom accumulate|shrink goes on with fewer" if wanted == "fail" else "")
            )
        self._report(f"out of memory with {batching.at_once} images at once: again with {half}")
        return self._with(batching.batch, half)

    def _attempt(self, batching: Batching) -> float:
        training = self._assembly.training(batching)
        images, epochs, batch = len(training.train), training.recipe.epochs, training.global_batch

        def on_epoch(row: EpochRow) -> None:
            if self._job.tensorboard and self._is_chief:
                write_curves(self._unfinished.tensorboard, [row])

        def on_step(epoch: int, done: int) -> None:
            self._report("training", epoch * images + min(images, done * batch), images * epochs)

        def on_restart(line: str) -> None:
            print(line)
            self._report(line)

        listeners = Listeners(on_epoch=on_epoch, on_step=on_step, on_restart=on_restart)
        path, identity = self._unfinished.checkpoint, Identity(self._run.run_id, self._conditions(training, batching))
        checkpoint = Checkpoint(path, identity, training.variables, writes=self._is_chief)
        return self._finish(training, Fit(training, listeners, checkpoint).run(), batching)

    def _finish(self, training: Training, progressed: Progressed, batching: Batching) -> float:
        """Predicts all splits; of several workers the chief stores the run. Returns macro F1 on validation."""
        self._report("predicting")
        val = self._assembly.examples("val")
        # A network that trained on maps has not seen pictures yet: the first step is traced before the clock starts.
        predicted(training, Examples(val.source, val.labels[: training.global_batch]))
        started = time.perf_counter()
        of_val, pace = predicted(training, val)
        seconds = time.perf_counter() - started
        others = [split for split in self._context.splits if split != "val"]
        log_probs: Mapping[Split, Floats] = {
            "val": of_val,
            **{split: predicted(training, self._assembly.examples(split))[0] for split in others},
        }
        if not self._is_chief:
            return macro_f1(self._context.labels("val"), log_probs["val"].argmax(axis=1), training.classes)
        if self._job.tensorboard:
            shutil.rmtree(self._unfinished.tensorboard, ignore_errors=True)  # with curves of epochs trained anew
            write_curves(self._unfinished.tensorboard, progressed.rows)
        return self._context.save(
            TrainedRun(
                run=self._run,
                history=progressed.rows,
                log_probs=log_probs,
                cost=tuned_cost(training, progressed, pace, self._assembly.preparation, seconds),
                setup={**self._setup(training, batching), "interruptions": progressed.interruptions},
                model=save_model(training, self._unfinished.model) if self._job.keep_weights else None,
            )
        )

    def _conditions(self, training: Training, batching: Batching) -> dict[str, Any]:
        """Conditions that all processes of a run share; those of one worker may differ from those of another."""
        setup = self._setup(training, batching)
        if setup["strategy"] == "multiworker":
            return setup
        found = {name: versions()[name] for name in ("tensorflow", "keras")}
        code = training_code(self._config.backbone)
        return {**setup, "device": device_name(), "kernels": kernels(), "training_code": code, **found}

    def _setup(self, training: Training, batching: Batching) -> dict[str, Any]:
        config, replicas = self._config, self._strategy.num_replicas_in_sync
        asked = config.recipe.batch_per_replica * replicas
        return {
            **config.model_dump(include={"precision", "xla", "deterministic"}),
            "strategy": strategy_name(self._strategy),
            "replicas": replicas,
            "global_batch": training.global_batch,
            "micro_batch": batching.micro_batch,
            "asked_global_batch": asked if asked != training.global_batch else None,
        }


def _set_up(config: RunConfig) -> None:
    """Sets the options that hold for the whole process."""
    keras.config.set_dtype_policy(config.precision)
    if config.deterministic:
        keras.utils.set_random_seed(config.seed)
        tf.config.experimental.enable_op_determinism()
