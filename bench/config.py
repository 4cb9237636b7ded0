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

from bench.errors import UserError, unknown
from bench.heads import HeadLayer, parse_head

SCHEMA_VERSION = 1  # of a run directory: raise it when a stored file changes its meaning

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

    @model_validator(mode="after")
    def _ordered(self) -> Schedule:
        if self.min_lr > self.max_lr:
            raise ValueError(f"min_lr {self.min_lr:g} is above max_lr {self.max_lr:g}")
        return self


class Recipe(Frozen):
    """Everything about training that all backbones share."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str = ""  # one line for people; not part of a run's name
    head: tuple[str, ...]  # layers after the backbone, in order (`bench.heads`)
    trainable: Literal["none"]  # which part of the backbone trains
    epochs: Annotated[int, Field(ge=1)]
    batch_per_replica: Annotated[int, Field(ge=1)] = 16
    optimizer: Literal["adam"] = "adam"
    augmentation: Literal["none", "flip"] = "none"  # flip: left-right, each image and epoch at even odds
    schedule: Schedule

    @field_validator("head")
    @classmethod
    def _head(cls, head: tuple[str, ...]) -> tuple[str, ...]:
        parse_head(head)
        return head

    @property
    def layers(self) -> tuple[HeadLayer, ...]:
        """The head, parsed."""
        return parse_head(self.head)

    @property
    def views(self) -> int:
        """How many versions of a training image the augmentation can show: 1, or 2 with flips."""
        return 2 if self.augmentation == "flip" else 1


class RunConfig(Frozen):
    """One run: the unit of results. What was found while running (devices, replicas) is a result and not here."""

    data: str  # name of the data set; what identifies its content is the fingerprint
    backbone: str
    image_px: Annotated[int, Field(ge=1)]
    recipe: Recipe
    weights: str  # imagenet, random, or FILE@DIGEST of a weights file
    weights_seed: int = 0  # of random weights
    seed: int = 0  # of the head's start, the shuffling and the augmentation
    strategy: Literal["auto"] = "auto"
    precision: Literal["float32"] = "float32"

    def run_id(self, data_fingerprint: str) -> str:
        """`<backbone>-<px>-<recipe>-s<seed>-<hash8>`: the same question over the same data is the same name.

        Fields at their default are left out of the hash, so that a field added later changes no old name.
        """
        asked = self.model_dump(mode="json", exclude_defaults=True, exclude={"data": True, "recipe": {"description"}})
        digest = content_hash({"asked": asked, "data": data_fingerprint, "schema_version": SCHEMA_VERSION})
        return f"{self.backbone}-{self.image_px}-{self.recipe.name}-s{self.seed}-{digest[:8]}"


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
        return Recipe(name=name, **tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"Recipe '{name}' is not TOML: {error}.") from None
    except ValidationError as error:
        raise UserError(f"Recipe '{name}': {first_problem(error)}.") from None


def first_problem(error: ValidationError) -> str:
    """The first complaint of a validation in one line: where, what, and what came."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"]) or "recipe"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')} (got {problem['input']!r})"
