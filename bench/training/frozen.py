"""A job of frozen runs: the backbone is built once and sees each image once, heads train on what it gave."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import backbones
from bench.config.recipe import Recipe
from bench.config.run import RunConfig
from bench.data.index import load_cached
from bench.data.remote.copies import open_local
from bench.environment import cores, describe
from bench.errors import UserError
from bench.jobs.messages import Emit, Failed, Finished, PlannedRun, Progress, TrainJob
from bench.plugins import described
from bench.store.metrics import score
from bench.store.result import Cost, Result, Setup
from bench.store.store import Outputs, Split, Store
from bench.training.device import device_name, peak_memory_mib
from bench.training.failures import failure_kind, first_line
from bench.training.features.bank import VIEWS, BankFolder, BankSet, FeatureMaker
from bench.training.features.head_trainer import FeatureExamples, HeadTrainer
from bench.training.kept import save_frozen
from bench.training.loop.history import EpochRow, did_not_train, selection_facts
from bench.training.results import images_of
from bench.training.tensorboard import check_tensorboard, write_curves


def run_frozen(job: TrainJob, emit: Emit, log: Path) -> None:
    """Does all runs of a job in turn. Each is stored the moment it is done; a failed one is told and passed over.

    Raises:
        UserError: something that every run of the job would meet, and that the user can mend.
    """
    FrozenJob(job, emit, log).run()


class FrozenJob:
    """The state that the runs of a job share: data, backbone, banks, traced heads."""

    def __init__(self, job: TrainJob, emit: Emit, log: Path) -> None:
        self._job, self._emit, self._log = job, emit, log
        if job.tensorboard:
            check_tensorboard()
        source = open_local(job.data, job.resolutions)
        index = load_cached(source, job.resolutions)
        if index is None:
            raise UserError(f"Data set '{source.name}' changed while it was used. Run the command again.")
        self._source, self._index = source, index
        self._store = Store(Path(job.store))
        self._maker = FeatureMaker(job.weights, BankFolder(self._store.banks), source, index, job.runs[0].config)
        self._trainers: dict[Recipe, HeadTrainer] = {}
        self._head_startup: dict[Recipe, float] = {}

    def run(self) -> None:
        """All runs, by resolution and recipe as they come."""
        for run in self._job.runs:
            started = time.perf_counter()
            try:
                macro_f1 = self._run(run)
            except UserError:
                raise
            except Exception as error:
                traceback.print_exc()
                seconds = time.perf_counter() - started
                self._emit(
                    Failed(run_id=run.run_id, kind=failure_kind(error), reason=first_line(error), seconds=seconds)
                )
            else:
                self._emit(Finished(run_id=run.run_id, macro_f1=macro_f1, seconds=time.perf_counter() - started))

    def _run(self, run: PlannedRun) -> float:
        config = run.config
        self._tell(run, "building the backbone")
        banks = self._maker.banks(
            config.image_px,
            config.recipe.views,
            lambda done, of: self._tell(run, "features", done, of),
            trained_splits(config),
        )
        train = self._train_examples(config, banks)
        trainer = self._trainer(config, banks, train)
        history = trainer.train(
            train,
            FeatureExamples(banks.features("val"), self._index.splits["val"].labels),
            config.seed,
            lambda row: self._tell(run, "head", row.epoch + 1, config.recipe.epochs),
        )
        result, outputs = self._collected(run, banks, trainer, history)
        self._store.save(result, outputs)
        return result.metrics.macro_f1

    def _train_examples(self, config: RunConfig, banks: BankSet) -> FeatureExamples:
        splits = trained_splits(config)
        labels = np.concatenate([self._index.splits[split].labels for split in splits])
        return FeatureExamples(banks.trained(splits, config.recipe.views), labels)

    def _trainer(self, config: RunConfig, banks: BankSet, train: FeatureExamples) -> HeadTrainer:
        """One for all seeds and resolutions."""
        recipe = _as_trained(config)
        if recipe not in self._trainers:
            trainer = HeadTrainer(recipe, banks.features("val").mean.shape[-1], len(self._index.class_names))
            self._head_startup[recipe] = trainer.warm_up(train)
            self._trainers[recipe] = trainer
        return self._trainers[recipe]

    def _collected(
        self, run: PlannedRun, banks: BankSet, trainer: HeadTrainer, history: Sequence[EpochRow]
    ) -> tuple[Result, Outputs]:
        index, config = self._index, run.config
        splits: list[Split] = ["val", "test"] if "test" in index.splits else ["val"]
        log_probs = {split: trainer.log_probs(banks.features(split)) for split in splits}
        cost = frozen_cost(banks, history, config, self._head_startup[trainer.recipe], trainer.parameters)
        before = (cost.first_epoch_seconds or 0.0) - history[0].train_seconds
        metrics = score(
            log_probs,
            index.splits["val"].labels,
            index.test_labels,
            train_images=sum(len(index.splits[split].ids) for split in trained_splits(config)),
            saw_validation="val" in trained_splits(config),
            **selection_facts(config.recipe, history, before),
            **index.duplicates,
            did_not_train=did_not_train(history, len(index.class_names)),
        )
        result = Result(
            run_id=run.run_id,
            kind="run",
            data=config.data,
            data_fingerprint=index.fingerprints[config.image_px],
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
            cost=cost,
            setup=self._setup(config),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        outputs = Outputs(
            config=config.model_dump(mode="json"),
            environment=self._environment(config),
            history=pd.DataFrame([asdict(row) for row in history]),
            images=images_of(index, config.image_px),
            log_probs=log_probs,
            log=self._log.read_text(errors="replace"),
            model=self._kept(run, trainer) if self._job.keep_weights else None,
            tensorboard=self._curves(run, history) if self._job.tensorboard else None,
        )
        return result, outputs

    def _curves(self, run: PlannedRun, history: Sequence[EpochRow]) -> Path:
        folder = self._store.unfinished(run.run_id).tensorboard
        write_curves(folder, history)
        return folder

    def _environment(self, config: RunConfig) -> dict[str, Any]:
        """What a kept head stands on is a file somewhere; its name and digest are in the configuration."""
        found = describe(device_name(), self._job.code_revision) | described(config.backbone)
        stands_on_file = self._job.keep_weights and config.keeps_head_alone and self._job.weights != "imagenet"
        return {**found, "weights_file": self._job.weights} if stands_on_file else found

    def _kept(self, run: PlannedRun, trainer: HeadTrainer) -> Path:
        backbone = None if run.config.keeps_head_alone else self._maker.network(run.config.image_px)
        return save_frozen(trainer, backbone, self._store.unfinished(run.run_id).model)

    def _setup(self, config: RunConfig) -> Setup:
        return Setup(
            device=device_name(),
            cores=cores(),
            global_batch=config.recipe.batch_per_replica,
            image_source_px=self._source.source_px(config.image_px),
            code_revision=self._job.code_revision,
        )

    def _tell(self, run: PlannedRun, phase: str, done: int = 0, total: int = 0) -> None:
        self._emit(Progress(run_id=run.run_id, phase=phase, done=done, total=total))


def trained_splits(config: RunConfig) -> tuple[str, ...]:
    """The splits that a run trains on."""
    return tuple(config.train_on.split("+"))


def _as_trained(config: RunConfig) -> Recipe:
    schedule = config.recipe.schedule.scaled(config.lr_scale)
    return config.recipe.model_copy(update={"schedule": schedule})


def frozen_cost(
    banks: BankSet, history: Sequence[EpochRow], config: RunConfig, head_startup: float, head_parameters: int
) -> Cost:
    """What a frozen run is charged: the extraction in full, whoever made the bank, and its own epochs."""
    views = config.recipe.views
    timings = [banks.timing(split, view) for split in trained_splits(config) for view in VIEWS[:views]]
    extraction = sum(timing.seconds for timing in timings)
    startup = sum(timing.startup_seconds for timing in timings) + head_startup
    epochs = [row.train_seconds for row in history]
    epoch = median(epochs[1:] or epochs)
    first = startup + extraction + epochs[0]
    return Cost(
        epochs=len(epochs),
        first_epoch_seconds=first,
        epoch_seconds=epoch,
        uncached_epoch_seconds=extraction / views + epoch,
        extraction_seconds=extraction,
        bank_shared=banks.shared,
        train_seconds_steady=extraction + epoch * len(epochs),
        train_seconds_full=first + sum(epochs[1:]),
        eval_seconds=banks.timing("val").seconds + sum(row.eval_seconds for row in history),
        inference_ms_per_image=banks.timing("val").ms_per_image,
        inference_batch=banks.timing("val").batch,
        parameters=banks.timing("val").backbone_parameters + head_parameters,
        gflops_per_image=banks.timing("val").gflops_per_image,
        peak_memory_mib=peak_memory_mib(),
    )
