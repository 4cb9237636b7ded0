"""What a finished run states about itself: the content of result.json. Units are in names; None does not apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from bench.config.base import SCHEMA_VERSION, Frozen
from bench.config.run import RunConfig
from bench.jobs.messages import FailureKind
from bench.store.ensemble_result import Combination


class Metrics(Frozen):
    """Scores on validation, and on test where its labels are known. F1 is macro F1 over all classes."""

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
    val_duplicates: int | None = None  # validation images that are training images too; None: nobody has looked
    test_duplicates: int | None = None  # test images that are training or validation images too
    did_not_train: bool = False  # training and validation loss both ended near ln(classes)
    selected_on_validation: bool = False
    saw_validation: bool = False
    target_f1: float | None = None  # what the recipe aimed at
    target_epoch: int | None = None  # the first that reached it, counted from 1
    target_seconds: float | None = None  # of training until then, overhead and extraction included
    labels_only: bool = False  # probabilities are 0 and 1, made of predicted classes


class Cost(Frozen):
    """What a run took (METHODOLOGY.md says from where to where each clock runs)."""

    epochs: int | None = None
    first_epoch_seconds: float | None = None  # tracing, extraction and the first epoch
    epoch_seconds: float | None = None  # median of the other epochs
    uncached_epoch_seconds: float | None = None  # an epoch as if the backbone ran in it
    extraction_seconds: float | None = None  # frozen backbone over the training views
    bank_shared: bool | None = None  # the bank was there already; its seconds are charged all the same
    train_seconds_steady: float | None = None  # without tracing and compilation
    train_seconds_full: float | None = None
    eval_seconds: float | None = None
    checkpoint_seconds: float | None = None
    images_per_second: float | None = None  # of steady training
    input_wait_share: float | None = None  # of steady training: waiting for pictures, 0 to 1
    inference_ms_per_image: float | None = None
    inference_batch: int | None = None
    parameters: int | None = None
    gflops_per_image: float | None = None  # forward, 2 x multiply-adds
    peak_memory_mib: float | None = None
    cost_usd: float | None = None


class Setup(Frozen):
    """Found, not asked for: rows that differ here are not compared in silence."""

    device: str
    cores: int | None = None
    precision: str = "float32"
    strategy: str = "default"
    replicas: int = 1
    global_batch: int | None = None
    micro_batch: int | None = None  # per replica, where gradients were gathered from smaller batches to fit in memory
    asked_global_batch: int | None = None  # where the batch was made smaller to fit in memory
    xla: bool = False
    deterministic: bool = False
    interruptions: int = 0  # how often the run was interrupted and went on from its last complete epoch
    image_source_px: int | None = None  # of the stored pictures that this resolution was made from when they were read
    code_revision: str


class Result(Frozen):
    """result.json, written last: a directory without one was never finished."""

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
    plugin: str | None = None  # where the backbone comes from, if not from here
    metrics: Metrics
    cost: Cost
    setup: Setup
    combination: Combination | None = None
    added: bool = False  # predictions made elsewhere; costs are what was said of them
    finished: str  # ISO 8601, UTC
    artefacts: Mapping[str, str] = Field(default_factory=dict)  # file name -> SHA-256


class Failure(Frozen):
    """A failed attempt: data too."""

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
    seconds: float  # burnt until then
    log_tail: str
    when: str


def identity_of(config: RunConfig, family: str) -> dict[str, Any]:
    """The fields that `Result` and `Failure` share and that a configuration determines.

    Args:
        config: of the run.
        family: of its backbone.
    """
    return {
        "data": config.data,
        "backbone": config.backbone,
        "family": family,
        "image_px": config.image_px,
        "recipe": config.recipe.name,
        "lr_scale": config.lr_scale,
        "seed": config.seed,
        "weights": config.weights,
    }
