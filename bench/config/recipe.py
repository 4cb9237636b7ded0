"""Recipes: training settings that all backbones of a comparison share, as TOML files."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from backbones.base import STAGES
from bench.config.base import Frozen, Rate, first_problem
from bench.config.head import HeadLayer, needs_map, parse_head
from bench.config.schedule import Schedule
from bench.errors import UserError, unknown


class Recipe(Frozen):
    """Training settings that all backbones share."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str = ""  # one line; not part of a run's name
    head: tuple[str, ...]  # layers after the backbone, in order (`bench.config.head`)
    trainable: str  # the part of the backbone that trains: none, all, or from:STAGE (that stage and all after it)
    epochs: Annotated[int, Field(ge=1)]
    batch_per_replica: Annotated[int, Field(ge=1)] = 16
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"  # sgd: Nesterov momentum of 0.9
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0  # decoupled, per step, of matrices and kernels only
    ema_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0  # above 0: scores are those of averaged weights
    loss: Literal["cross_entropy", "focal", "huber"] = "cross_entropy"  # `bench.training.network.losses`
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0  # of cross_entropy
    focal_gamma: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2.0  # of focal
    huber_delta: Rate = 1.0  # of huber
    class_weighting: Literal["none", "balanced"] = "none"  # balanced: N / (C * images of the class)
    augmentation: Literal["none", "flip", "flip_rotate", "colour"] = "none"  # `bench.data.augmentation`
    early_stopping_patience: Annotated[int, Field(ge=0)] = 0  # epochs without a better val_macro_f1; 0: none
    target_f1: Annotated[float, Field(gt=0, le=1)] | None = None  # results name the first epoch that reaches it
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
        """The first stage that trains; None: no stage, or all of the backbone."""
        return self.trainable.removeprefix("from:") if self.trainable.startswith("from:") else None

    @property
    def views(self) -> int:
        """Number of versions of a training image that the augmentation makes; 0: too many to count."""
        return {"none": 1, "flip": 2, "flip_rotate": 8, "colour": 0}[self.augmentation]

    @property
    def is_banked(self) -> bool:
        """Whether the backbone runs once per image and view, and the head reads only pooled moments."""
        return self.trainable == "none" and self.views > 0 and not needs_map(self.layers)


@cache
def recipe_names() -> tuple[str, ...]:
    """Names of the built-in recipes."""
    files = resources.files("bench.recipes").iterdir()
    return tuple(sorted(Path(file.name).stem for file in files if file.name.endswith(".toml")))


def load_recipe(name: str) -> Recipe:
    """A built-in recipe by its name.

    Raises:
        UserError: no recipe of that name.
    """
    if name not in recipe_names():
        raise unknown("recipe", name, recipe_names())
    return parse_recipe(name, (resources.files("bench.recipes") / f"{name}.toml").read_text(encoding="utf-8"))


def parse_recipe(name: str, text: str) -> Recipe:
    """A recipe from the text of its TOML file; the file's stem is its name.

    Raises:
        UserError: not TOML, an unknown field or layer, or a value out of range; one line that names the problem.
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
