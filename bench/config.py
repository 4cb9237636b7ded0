"""What can be asked for: Schedule, Recipe, RunConfig. Frozen, validated, and named by a hash of their content."""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from backbones.base import STAGES
from bench.errors import UserError, unknown
from bench.files import path_safe
from bench.heads import HeadLayer, needs_map, parse_head

SCHEMA_VERSION = 1  # of a run directory: raise it when a stored file changes its meaning

Strategy = Literal["auto", "default", "mirrored", "multiworker", "tpu"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
TrainOn = Literal["train", "train+val"]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Frozen(BaseModel):
    """Immutable, and refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Schedule(Frozen):
    """Learning rate per epoch: a linear ramp, a plateau, an exponential decay (`bench.schedule`)."""

    start_lr: Rate  # first epoch's rate; may lie above max_lr, as in the flower log
    min_lr: Rate  # what the decay approaches
    max_lr: Rate  # rate after the ramp
    ramp_epochs: Annotated[int, Field(ge=0)]
    sustain_epochs: Annotated[int, Field(ge=0)] = 0
    decay: Annotated[float, Field(gt=0, le=1)]  # factor per epoch of what lies above min_lr
    start_lr_feedback: bool = False  # train as the notebooks really did: each epoch ramps from the rate before it
    max_lr_times_replicas: bool = False  # max_lr is that of one replica

    @model_validator(mode="after")
    def _ordered(self) -> Schedule:
        if self.min_lr > self.max_lr:
            raise ValueError(f"min_lr {self.min_lr:g} is above max_lr {self.max_lr:g}")
        return self

    def scaled(self, factor: float, replicas: int = 1) -> Schedule:
        """The schedule a run trains with: every rate times `factor`, and the highest times replicas if it asks so."""
        times = replicas if self.max_lr_times_replicas else 1
        return self.model_copy(
            update={
                "start_lr": self.start_lr * factor,
                "min_lr": self.min_lr * factor,
                "max_lr": self.max_lr * factor * times,
                "max_lr_times_replicas": False,
            }
        )


class Recipe(Frozen):
    """Everything about training that all backbones share."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str = ""  # one line for people; not part of a run's name
    head: tuple[str, ...]  # layers after the backbone, in order (`bench.heads`)
    trainable: str  # which part of the backbone trains: none, all, or from:STAGE and everything after it
    epochs: Annotated[int, Field(ge=1)]
    batch_per_replica: Annotated[int, Field(ge=1)] = 16
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"  # sgd: Nesterov momentum of 0.9
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0  # decoupled, per step, of matrices and kernels alone
    ema_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0  # above 0: scores come from averaged weights
    loss: Literal["cross_entropy", "focal", "huber"] = "cross_entropy"  # `bench.training.losses`
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0  # of cross_entropy
    focal_gamma: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2.0  # of focal
    huber_delta: Rate = 1.0  # of huber
    class_weighting: Literal["none", "balanced"] = "none"  # balanced: N / (C * images of the class)
    augmentation: Literal["none", "flip", "flip_rotate", "colour"] = "none"  # `bench.training.augment`
    early_stopping_patience: Annotated[int, Field(ge=0)] = 0  # epochs without a better val_macro_f1; 0: none
    target_f1: Annotated[float, Field(gt=0, le=1)] | None = None  # the first epoch that reaches it is reported
    schedule: Schedule

    @field_validator("head")
    @classmethod
    def _head(cls, head: tuple[str, ...]) -> tuple[str, ...]:
        parse_head(head)
        return head

    @field_validator("trainable")
    @classmethod
    def _trainable(cls, trainable: str) -> str:
        known = ("none", "all", *(f"from:{stage}" for stage in STAGES))
        if trainable not in known:
            raise ValueError(str(unknown("part of a backbone", trainable, known)))
        return trainable

    @model_validator(mode="after")
    def _of_this_loss(self) -> Recipe:
        owners = {"label_smoothing": "cross_entropy", "focal_gamma": "focal", "huber_delta": "huber"}
        for field, loss in owners.items():
            if getattr(self, field) != type(self).model_fields[field].default and self.loss != loss:
                raise ValueError(f'{field} belongs to loss = "{loss}", and this recipe\'s is "{self.loss}"')
        return self

    @property
    def layers(self) -> tuple[HeadLayer, ...]:
        """The head, parsed."""
        return parse_head(self.head)

    @property
    def first_trainable_stage(self) -> str | None:
        """The stage from which on the backbone trains; None: no stage, or all of it."""
        return self.trainable.removeprefix("from:") if self.trainable.startswith("from:") else None

    @property
    def views(self) -> int:
        """How many versions of a training image the augmentation can show; 0: too many to count."""
        return {"none": 1, "flip": 2, "flip_rotate": 8, "colour": 0}[self.augmentation]

    @property
    def is_banked(self) -> bool:
        """Whether the backbone need only run once per image and view, and pooled moments are all the head reads."""
        return self.trainable == "none" and self.views > 0 and not needs_map(self.layers)


class RunConfig(Frozen):
    """One run: the unit of results. What was found while running (devices, replicas) is a result and not here."""

    data: str  # name of the data set; what identifies its content is the fingerprint
    backbone: str
    image_px: Annotated[int, Field(ge=1)]
    recipe: Recipe
    weights: str  # imagenet, random, or FILE@DIGEST of a weights file
    weights_seed: int = 0  # of random weights
    seed: int = 0  # of the head's start, the shuffling and the augmentation
    strategy: Strategy = "auto"
    precision: Precision = "float32"
    lr_scale: Rate = 1.0  # every learning rate of the recipe times this
    train_on: TrainOn = "train"  # train+val: for a submission; such a run has seen validation
    xla: bool = False  # compile training steps with XLA
    deterministic: bool = False  # the same numbers every time, at a price
    plugin: str | None = None  # where the backbone comes from, if not from here: NAME@DIGEST of its source

    @property
    def keeps_head_alone(self) -> bool:
        """Whether a kept model is the head, its backbone being that of a file which others keep.

        A random network is kept whole: it has the scale of training pictures, and nobody has those later.
        """
        return self.recipe.is_banked and self.weights != "random"

    def run_id(self, data_fingerprint: str) -> str:
        """`<backbone>-<px>-<recipe>-s<seed>-<hash8>`: the same question over the same data is the same name.

        Fields at their default are left out of the hash, so that a field added later changes no old name.
        """
        asked = self.model_dump(mode="json", exclude_defaults=True, exclude={"data": True, "recipe": {"description"}})
        digest = content_hash({"asked": asked, "data": data_fingerprint, "schema_version": SCHEMA_VERSION})
        return f"{path_safe(self.backbone)}-{self.image_px}-{self.recipe.name}-s{self.seed}-{digest[:8]}"


def content_hash(content: object) -> str:
    """SHA-256 of canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@cache
def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the harness."""
    files = resources.files("bench.recipes").iterdir()
    return tuple(sorted(Path(file.name).stem for file in files if file.name.endswith(".toml")))


def load_recipe(name: str) -> Recipe:
    """A recipe by its name.

    Raises:
        UserError: no recipe of that name.
    """
    if name not in recipe_names():
        raise unknown("recipe", name, recipe_names())
    return parse_recipe(name, (resources.files("bench.recipes") / f"{name}.toml").read_text(encoding="utf-8"))


def parse_recipe(name: str, text: str) -> Recipe:
    """A recipe from the text of its TOML file; the file's stem is its name.

    Raises:
        UserError: not TOML, an unknown field or layer, or a value out of range; one line that names it.
    """
    try:
        content = tomllib.loads(text)
        if "name" in content:
            raise UserError(f"Recipe '{name}': a recipe has the name of its file; leave out the field 'name'.")
        return Recipe(name=name, **content)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"Recipe '{name}' is not TOML: {error}.") from None
    except ValidationError as error:
        raise UserError(f"Recipe '{name}': {first_problem(error)}.") from None


def first_problem(error: ValidationError) -> str:
    """The first complaint of a validation in one line: where, what, and what came."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"]) or "recipe"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')} (got {problem['input']!r})"
