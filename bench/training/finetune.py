"""A job of one run whose network itself trains, whole or from a stage on, under any strategy."""

from __future__ import annotations

import gc
import time
import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import keras
import pandas as pd
import tensorflow as tf

import backbones
from bench.config.run import RunConfig
from bench.data.index import DataIndex, load_cached
from bench.data.reading import named_faults
from bench.data.remote.copies import open_local
from bench.environment import cores, describe, is_chief
from bench.errors import UserError
from bench.jobs.messages import Emit, Failed, Finished, Progress, TrainJob
from bench.plugins import described
from bench.store.metrics import score
from bench.store.result import Metrics, Result, Setup
from bench.store.store import Outputs, Split, Store
from bench.training.assembly import Assembly, AssemblyRequest, Batching, Storage
from bench.training.device import device_name
from bench.training.failures import OutOfMemoryError, failure_kind, first_line
from bench.training.kept import save_model
from bench.training.loop.checkpoint import Checkpoint, Progressed
from bench.training.loop.epochs import Fit, Listeners
from bench.training.loop.history import EpochRow, did_not_train, selection_facts
from bench.training.loop.prediction import Floats, Pace, predicted
from bench.training.loop.steps import Training
from bench.training.results import images_of, tuned_cost
from bench.training.strategies import make_strategy, strategy_name
from bench.training.tensorboard import check_tensorboard, write_curves


def run_finetuned(job: TrainJob, emit: Emit, log: Path) -> None:
    """Does the job's run: stored when it is done, told where it fails.

    Raises:
        UserError: something that the user can mend.
    """
    run = job.runs[0]
    started = time.perf_counter()
    try:
        macro_f1 = FinetuneJob(job, emit, log).run()
    except UserError:
        raise
    except Exception as error:
        traceback.print_exc()
        seconds = time.perf_counter() - started
        emit(Failed(run_id=run.run_id, kind=failure_kind(error), reason=first_line(error), seconds=seconds))
    else:
        emit(Finished(run_id=run.run_id, macro_f1=macro_f1, seconds=time.perf_counter() - started))


class FinetuneJob:
    """One run, from its configuration to its directory in the store."""

    def __init__(self, job: TrainJob, emit: Emit, log: Path) -> None:
        self._job, self._run, self._emit, self._log = job, job.runs[0], emit, log
        self._config: RunConfig = job.runs[0].config
        if job.tensorboard:
            check_tensorboard()
        _set_up(self._config)
        self._strategy = make_strategy(self._config.strategy, job.worker_timeout_seconds)
        source = open_local(job.data, job.resolutions)
        index = load_cached(source, job.resolutions)
        if index is None:
            raise UserError(f"Data set '{source.name}' changed while it was used. Run the command again.")
        self._index: DataIndex = index
        self._source = source
        self._store = Store(Path(job.store))
        self._unfinished = self._store.unfinished(self._run.run_id)
        storage = Storage(self._store.banks, job.bank_gib)
        self._assembly = Assembly(AssemblyRequest(self._config, job.weights), source, index, self._strategy, storage)
        self._is_chief = is_chief()

    def run(self) -> float:
        """Trains, predicts and stores. Returns macro F1 on validation."""
        self._tell("building the network")
        batching = self._first_batching()
        with named_faults(self._source.stored(self._config.image_px, *self._index.splits).paths):
            while True:
                try:
                    return self._attempt(batching)
                except tf.errors.ResourceExhaustedError as error:
                    print(error)
                    smaller = self._smaller(batching)
                batching = smaller
                gc.collect()

    def _first_batching(self) -> Batching:
        """The recipe's, or what is left to try after an earlier process took too much memory."""
        batch, at_once = self._config.recipe.batch_per_replica, self._job.at_once
        return Batching(batch) if at_once is None else self._with(batch, at_once)

    def _with(self, batch: int, at_once: int) -> Batching:
        return Batching(at_once) if self._job.on_oom == "shrink" else Batching(batch, at_once)

    def _smaller(self, batching: Batching) -> Batching:
        """What to try where a batch did not fit in memory.

        Raises:
            OutOfMemoryError: nothing.
        """
        wanted, half = self._job.on_oom, batching.at_once // 2
        if wanted == "fail" or half < 1:
            raise OutOfMemoryError(
                f"{batching.at_once} images of {self._config.image_px} px at once do not fit in memory"
                + (": --on-oom accumulate|shrink goes on with fewer" if wanted == "fail" else "")
            )
        self._tell(f"out of memory with {batching.at_once} images at once: again with {half}")
        return self._with(batching.batch, half)

    def _attempt(self, batching: Batching) -> float:
        training = self._assembly.training(batching)
        checkpoint = Checkpoint(
            self._unfinished.checkpoint, self._run.run_id, training.variables, writes=self._is_chief
        )
        progressed = Fit(training, self._listeners(training), checkpoint).run()
        return self._finish(training, progressed, batching)

    def _listeners(self, training: Training) -> Listeners:
        images, epochs = len(training.train), training.recipe.epochs

        def on_step(epoch: int, done: int) -> None:
            self._tell("training", epoch * images + min(images, done * training.global_batch), images * epochs)

        return Listeners(on_epoch=self._on_epoch, on_step=on_step)

    def _on_epoch(self, row: EpochRow) -> None:
        if self._job.tensorboard and self._is_chief:
            write_curves(self._unfinished.tensorboard, [row])

    def _finish(self, training: Training, progressed: Progressed, batching: Batching) -> float:
        started = time.perf_counter()
        self._tell("predicting")
        splits: list[Split] = ["val", "test"] if "test" in self._index.splits else ["val"]
        found = {split: predicted(training, self._assembly.examples(split)) for split in splits}
        log_probs: dict[Split, Floats] = {split: array for split, (array, _) in found.items()}
        seconds = time.perf_counter() - started
        metrics = self._metrics(training, progressed, log_probs)
        if self._is_chief:
            result = self._result(training, progressed, metrics, batching, found["val"][1], seconds)
            self._store.save(result, self._outputs(training, progressed, log_probs, result))
        return metrics.macro_f1

    def _metrics(self, training: Training, progressed: Progressed, log_probs: dict[Split, Floats]) -> Metrics:
        rows, extraction = progressed.rows, self._assembly.extraction
        return score(
            log_probs,
            self._index.splits["val"].labels,
            self._index.test_labels,
            train_images=len(training.train),
            **self._index.duplicates,
            did_not_train=did_not_train(rows, training.classes),
            **selection_facts(training.recipe, rows, extraction.seconds if extraction else 0.0),
            saw_validation="val" in self._config.train_on,
        )

    def _result(
        self,
        training: Training,
        progressed: Progressed,
        metrics: Metrics,
        batching: Batching,
        pace: Pace,
        predict_seconds: float,
    ) -> Result:
        config = self._config
        return Result(
            run_id=self._run.run_id,
            kind="run",
            data=config.data,
            data_fingerprint=self._index.fingerprints[config.image_px],
            backbone=config.backbone,
            family=backbones.get(config.backbone).family,
            image_px=config.image_px,
            recipe=config.recipe.name,
            lr_scale=config.lr_scale,
            seed=config.seed,
            weights=config.weights,
            weights_seed=config.weights_seed,
            plugin=config.plugin,
            metrics=metrics,
            cost=tuned_cost(training, progressed, pace, self._assembly.extraction, predict_seconds),
            setup=self._setup(training, progressed, batching),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _setup(self, training: Training, progressed: Progressed, batching: Batching) -> Setup:
        config, replicas = self._config, self._strategy.num_replicas_in_sync
        asked = config.recipe.batch_per_replica * replicas
        return Setup(
            device=device_name(),
            cores=cores(),
            precision=config.precision,
            strategy=strategy_name(self._strategy),
            replicas=replicas,
            global_batch=training.global_batch,
            micro_batch=batching.micro_batch,
            asked_global_batch=asked if asked != training.global_batch else None,
            xla=config.xla,
            deterministic=config.deterministic,
            interruptions=progressed.interruptions,
            image_source_px=self._source.source_px(config.image_px),
            code_revision=self._job.code_revision,
        )

    def _outputs(
        self, training: Training, progressed: Progressed, log_probs: dict[Split, Floats], result: Result
    ) -> Outputs:
        return Outputs(
            config=self._config.model_dump(mode="json"),
            environment=describe(result.setup.device, self._job.code_revision) | described(self._config.backbone),
            history=pd.DataFrame([asdict(row) for row in progressed.rows]),
            images=images_of(self._index, self._config.image_px),
            log_probs=log_probs,
            log=self._log.read_text(errors="replace"),
            model=save_model(training, self._unfinished.model) if self._job.keep_weights else None,
            tensorboard=self._unfinished.tensorboard if self._job.tensorboard else None,
        )

    def _tell(self, phase: str, done: int = 0, total: int = 0) -> None:
        self._emit(Progress(run_id=self._run.run_id, phase=phase, done=done, total=total))


def _set_up(config: RunConfig) -> None:
    """What holds for the whole process."""
    keras.config.set_dtype_policy(config.precision)
    if config.deterministic:
        keras.utils.set_random_seed(config.seed)
        tf.config.experimental.enable_op_determinism()
