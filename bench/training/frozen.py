"""Frozen runs: the backbone is built once and sees each image once; heads train on its saved features."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.config.recipe import Recipe
from bench.config.run import RunConfig
from bench.jobs.messages import Emit, PlannedRun, TrainJob
from bench.training.costs import frozen_cost
from bench.training.failures import report_outcome
from bench.training.features.bank import BankFolder, FeatureMaker
from bench.training.features.head_trainer import FeatureExamples, HeadTrainer
from bench.training.kept import save_frozen
from bench.training.results import JobContext, TrainedRun
from bench.training.tensorboard import write_curves


def run_frozen(job: TrainJob, emit: Emit, log: Path) -> None:
    """Trains all runs of a job in turn. Each is stored as soon as it is complete; a failed one is reported and skipped.

    Raises:
        UserError: a mistake of the user that concerns every run of the job.
    """
    frozen = FrozenJob(JobContext(job, emit, log))
    for run in job.runs:
        report_outcome(run.run_id, emit, partial(frozen.train, run))


class FrozenJob:
    """The state that the runs of a job share: data, backbone, banks, traced heads."""

    def __init__(self, context: JobContext) -> None:
        self._context, self._job = context, context.job
        banks, config = BankFolder(context.store.banks), context.job.runs[0].config
        self._maker = FeatureMaker(context.job.weights, banks, context.source, context.index, config)
        self._trainers: dict[Recipe, HeadTrainer] = {}

    def train(self, run: PlannedRun) -> float:
        """Trains and stores a run. Returns macro F1 on validation."""
        config, report = run.config, partial(self._context.report_progress, run)
        views = config.recipe.views
        report("building the backbone")
        banks = self._maker.banks(config.image_px, views, partial(report, "features"), config.train_on)
        train = FeatureExamples(banks.features(config.train_on, views), self._context.labels(config.train_on))
        val = FeatureExamples(banks.features("val"), self._context.labels("val"))
        trainer = self._trainer(config, train)
        history = trainer.train(
            train, val, config.seed, lambda row: report("head", row.epoch + 1, config.recipe.epochs)
        )
        if self._job.tensorboard:
            write_curves(self._context.store.unfinished(run.run_id).tensorboard, history)
        return self._context.save(
            TrainedRun(
                run=run,
                history=history,
                log_probs={split: trainer.log_probs(banks.features(split)) for split in self._context.splits},
                cost=frozen_cost(banks, history, config, trainer),
                setup={"global_batch": config.recipe.batch_per_replica},
                environment=self._weights_file(config),
                model=self._kept(run, trainer) if self._job.keep_weights else None,
            )
        )

    def _trainer(self, config: RunConfig, train: FeatureExamples) -> HeadTrainer:
        """One for all seeds and resolutions."""
        schedule = config.recipe.schedule.scaled(config.lr_scale)
        recipe = config.recipe.model_copy(update={"schedule": schedule})
        if recipe not in self._trainers:
            trainer = HeadTrainer(recipe, train.features.mean.shape[-1], len(self._context.index.class_names))
            trainer.warm_up(train)
            self._trainers[recipe] = trainer
        return self._trainers[recipe]

    def _weights_file(self, config: RunConfig) -> dict[str, str]:
        """The path of the weights that a head kept alone needs; the configuration has their name and digest."""
        needed = self._job.keep_weights and config.keeps_head_alone and self._job.weights != "imagenet"
        return {"weights_file": self._job.weights} if needed else {}

    def _kept(self, run: PlannedRun, trainer: HeadTrainer) -> Path:
        backbone = None if run.config.keeps_head_alone else self._maker.network(run.config.image_px)
        return save_frozen(trainer, backbone, self._context.store.unfinished(run.run_id).model)
