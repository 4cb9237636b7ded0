"""Results of training jobs: the data and store that the runs of a job share, and the builder of their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import backbones
from bench.data.index import DataIndex, load_cached
from bench.data.remote.copies import open_local
from bench.environment import cores, describe, kernels
from bench.errors import UserError
from bench.jobs.messages import Emit, PlannedRun, Progress, TrainJob
from bench.plugins import described
from bench.store.metrics import score
from bench.store.result import Cost, Metrics, Result, Setup, identity_of
from bench.store.store import Images, Outputs, Split, Store
from bench.training.code import training_code
from bench.training.device import device_name
from bench.training.loop.history import EpochRow, did_not_train, selection_facts
from bench.training.network.losses import chance_loss


@dataclass(frozen=True)
class TrainedRun:
    """A trained run, before it is stored.

    Attributes:
        run: its name and configuration.
        history: all its epochs.
        log_probs: split -> float32 (N, C), of the last epoch.
        cost: with the clocks of earlier processes.
        setup: fields of `Setup` that depend on how the run was trained.
        environment: fields of environment.json beyond versions, device and plugin.
        model: file of the kept network; None: not kept.
    """

    run: PlannedRun
    history: Sequence[EpochRow]
    log_probs: Mapping[Split, npt.NDArray[np.float32]]
    cost: Cost
    setup: Mapping[str, Any]
    environment: Mapping[str, Any] = field(default_factory=dict)
    model: Path | None = None


class JobContext:
    """Data, store and event channel of a training job."""

    def __init__(self, job: TrainJob, emit: Emit, log: Path) -> None:
        """Opens the data set of the job; `log` is the file that keeps the output of this process.

        Raises:
            UserError: the data set is not the one that was checked.
        """
        self.job, self._emit, self._log = job, emit, log
        self.source = open_local(job.data, job.resolutions)
        index = load_cached(self.source, job.resolutions)
        if index is None:
            raise UserError(f"Data set '{self.source.name}' changed while it was used. Run the command again.")
        self.index: DataIndex = index
        self.splits: list[Split] = ["val", "test"] if "test" in index.splits else ["val"]  # to be predicted
        self.store = Store(Path(job.store))

    def labels(self, splits: str) -> npt.NDArray[np.int64]:
        """Labels of a split, or of several joined by `+`, one after the other: int64 (N,)."""
        return np.concatenate([self.index.splits[split].labels for split in splits.split("+")])

    def report_progress(self, run: PlannedRun, phase: str, done: int = 0, total: int = 0) -> None:
        """Emits `done` of `total` in a phase of a run."""
        self._emit(Progress(run_id=run.run_id, phase=phase, done=done, total=total))

    def save(self, trained: TrainedRun) -> float:
        """Scores and stores a run. Returns macro F1 on validation."""
        config = trained.run.config
        setup = Setup(
            device=device_name(),
            cores=cores(),
            image_source_px=self.source.source_px(config.image_px),
            code_revision=self.job.code_revision,
            kernels=kernels(),
            training_code=training_code(config.backbone),
            **trained.setup,
        )
        result = Result(
            **identity_of(config, backbones.get(config.backbone).family),
            run_id=trained.run.run_id,
            kind="run",
            data_fingerprint=self.index.fingerprints[config.image_px],
            weights_seed=config.weights_seed,
            plugin=config.plugin,
            metrics=self._metrics(trained),
            cost=trained.cost,
            setup=setup,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        environment = describe(setup.device, setup.code_revision) | described(config.backbone)
        outputs = Outputs(
            config=config.model_dump(mode="json"),
            environment=environment | dict(trained.environment),
            history=pd.DataFrame([asdict(row) for row in trained.history]),
            images=self._images(config.image_px),
            log_probs=trained.log_probs,
            log=self._log.read_text(errors="replace"),
            model=trained.model,
            tensorboard=self.store.unfinished(trained.run.run_id).tensorboard if self.job.tensorboard else None,
        )
        self.store.save(result, outputs)
        return result.metrics.macro_f1

    def _metrics(self, trained: TrainedRun) -> Metrics:
        config, rows, classes = trained.run.config, trained.history, len(self.index.class_names)
        return score(
            trained.log_probs,
            self.labels("val"),
            self.index.test_labels,
            train_images=len(self.labels(config.train_on)),
            saw_validation="val" in config.train_on,
            did_not_train=did_not_train(rows, classes, chance_loss(config.recipe, classes)),
            **selection_facts(config.recipe, rows, trained.cost.first_epoch_seconds or 0.0),
            **self.index.duplicates,
        )

    def _images(self, image_px: int) -> Images:
        """The images behind the rows of a run's arrays."""
        index = self.index
        val, test = index.splits["val"], index.splits.get("test")
        return Images(
            val_ids=val.ids,
            test_ids=test.ids if test else (),
            val_labels=tuple(val.labels.tolist()),
            class_names=index.class_names,
            data_fingerprint=index.fingerprints[image_px],
            test_labels=None if index.test_labels is None else tuple(index.test_labels.tolist()),
        )
