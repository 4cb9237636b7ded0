"""Content of result.json: metrics, cost and setup of a finished run. Units are in names; None: does not apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from bench.config.base import SCHEMA_VERSION, Frozen
from bench.config.run import RunConfig
from bench.jobs.messages import FailureKind
from bench.store.ensemble_result import Combination


class Metrics(Frozen):
    """Scores on validation, and on test if its labels are known. F1 is macro F1 over all classes."""

    macro_f1: float
    macro_f1_low: float | None = None  # bounds of the 95 % interval over images; None: too few images for one
    macro_f1_high: float | None = None
    macro_f1_interval_method: str | None = None
    macro_f1_cross_fitted: float | None = None
    accuracy: float
    log_loss: float | None = None  # None: predicted classes are known, probabilities are not
    test_macro_f1: float | None = None
    test_macro_f1_low: float | None = None
    test_macro_f1_high: float | None = None
    test_accuracy: float | None = None
    classes: int
    train_images: int | None = None
    val_images: int
    test_images: int
    val_duplicates: int | None = None  # validation images that are training images too; None: not checked
    test_duplicates: int | None = None  # test images that are training or validation images too
    did_not_train: bool = False  # training and validation loss both ended near ln(classes)
    selected_on_validation: bool = False
    saw_validation: bool = False
    target_f1: float | None = None  # of the recipe
    target_epoch: int | None = None  # the first that reached it, counted from 1
    target_seconds: float | None = None  # of training until then, overhead and extraction included
    labels_only: bool = False  # probabilities are 0 and 1, derived from predicted classes


class Cost(Frozen):
    """Times and sizes of a run (METHODOLOGY.md says when each clock starts and stops)."""

    epochs: int | None = None
    first_epoch_seconds: float | None = None  # start-up, extraction and the first epoch
    epoch_seconds: float | None = None  # median of the epochs without start-up
    uncached_epoch_seconds: float | None = None  # an epoch as if the backbone ran in it
    extraction_seconds: float | None = None  # frozen backbone over the training views
    bank_shared: bool | None = None  # the bank existed already; its seconds are charged nevertheless
    train_seconds_steady: float | None = None  # without start-up
    train_seconds_full: float | None = None
    eval_seconds: float | None = None
    checkpoint_seconds: float | None = None
    images_per_second: float | None = None  # of steady training
    input_wait_share: float | None = None  # of steady training: waiting for images, 0 to 1
    inference_ms_per_image: float | None = None
    inference_batch: int | None = None
    parameters: int | None = None
    gflops_per_image: float | None = None  # forward, 2 x multiply-adds
    peak_memory_mib: float | None = None
    cost_usd: float | None = None

    @property
    def steady_seconds(self) -> float | None:
        """Training without start-up; of an added run, the seconds that its user stated."""
        return self.train_seconds_full if self.train_seconds_steady is None else self.train_seconds_steady

    @property
    def start_up_seconds(self) -> float | None:
        """Tracing, compilation, first calls, and statistics of random weights."""
        if self.train_seconds_full is None or self.train_seconds_steady is None:
            return None
        return max(self.train_seconds_full - self.train_seconds_steady, 0.0)


class Setup(Frozen):
    """Conditions that were found, not requested: the report marks rows that differ in them."""

    device: str
    cores: int | None = None
    precision: str = "float32"
    strategy: str = "default"
    replicas: int = 1
    global_batch: int | None = None
    micro_batch: int | None = None  # per replica, if gradients were accumulated over smaller batches to fit in memory
    asked_global_batch: int | None = None  # if the batch was made smaller to fit in memory
    xla: bool = False
    deterministic: bool = False
    interruptions: int = 0  # times that the run was interrupted and resumed from its last complete epoch
    image_source_px: int | None = None  # side of the stored images that this resolution was resized from
    code_revision: str
    kernels: str | None = None  # settings of TensorFlow's kernels that change numbers or speed; None: not recorded
    training_code: str | None = None  # digest of the code that trains, comments apart; None: not recorded


class Result(Frozen):
    """Content of result.json, written last: a directory without one is not a finished run."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    kind: Literal["run", "ensemble"]
    data: str
    data_fingerprint: str
    backbone: str | None = None
    family: str | None = None
    image_px: int | None = None
    recipe: str | None = None
    lr_scale: float | None = None
    seed: int | None = None
    weights: str | None = None
    weights_seed: int | None = None
    plugin: str | None = None  # source of the backbone, if it is not built in
    metrics: Metrics
    cost: Cost
    setup: Setup
    combination: Combination | None = None
    added: bool = False  # predictions made elsewhere; costs are as given
    finished: str  # ISO 8601, UTC
    asked: str | None = None  # of an ensemble, when it was last asked for; None: when it was made
    artefacts: Mapping[str, str] = Field(default_factory=dict)  # file name -> SHA-256


class Failure(Frozen):
    """A failed attempt, reported like a run."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    data: str
    backbone: str
    family: str
    image_px: int
    recipe: str
    lr_scale: float | None = None
    seed: int
    weights: str
    kind: FailureKind
    reason: str  # one line
    seconds: float  # spent until then
    log_tail: str
    when: str


def identity_of(config: RunConfig, family: str) -> dict[str, Any]:
    """The fields that `Result` and `Failure` share and that a configuration determines.

    Args:
        config: of the run.
        family: of its backbone.
    """
    fields = config.model_dump(include={"data", "backbone", "image_px", "lr_scale", "seed", "weights"})
    return fields | {"family": family, "recipe": config.recipe.name}
