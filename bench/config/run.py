"""`RunConfig`: one run, the unit of results, and the name of its directory."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.config.base import SCHEMA_VERSION, Frozen, Rate, content_hash
from bench.config.recipe import Recipe
from bench.files import path_safe

Strategy = Literal["auto", "default", "mirrored", "multiworker", "tpu"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
TrainOn = Literal["train", "train+val"]


class RunConfig(Frozen):
    """One run: the unit of results. Devices and replicas are found while running: they are results, not fields."""

    data: str  # name of the data set; its content is identified by the fingerprint
    backbone: str
    image_px: Annotated[int, Field(ge=1)]
    recipe: Recipe
    weights: str  # imagenet, random, or FILE@DIGEST of a weights file
    weights_seed: int = 0  # of random weights
    seed: int = 0  # of the head's start, the shuffling and the augmentation
    strategy: Strategy = "auto"
    precision: Precision = "float32"
    lr_scale: Rate = 1.0  # factor of every learning rate of the recipe
    train_on: TrainOn = "train"  # train+val: for a submission; such a run has seen validation
    xla: bool = False  # compile training steps with XLA
    deterministic: bool = False  # the same numbers every time, but slower
    plugin: str | None = None  # the plugin that registers the backbone: NAME@DIGEST of its source; None: built in

    @property
    def keeps_head_alone(self) -> bool:
        """Whether a kept model is the head alone: its backbone is that of a weights file.

        A random network is kept whole: its scale was estimated on training pictures, which may be gone later.
        """
        return self.recipe.is_banked and self.weights != "random"

    def run_id(self, data_fingerprint: str) -> str:
        """`<backbone>-<px>-<recipe>-s<seed>-<hash8>`: the same configuration on the same data has the same name.

        Fields at their default are left out of the hash, so that a field added later changes no old name.
        """
        asked = self.model_dump(mode="json", exclude_defaults=True, exclude={"data": True, "recipe": {"description"}})
        digest = content_hash({"asked": asked, "data": data_fingerprint, "schema_version": SCHEMA_VERSION})
        return f"{path_safe(self.backbone)}-{self.image_px}-{self.recipe.name}-s{self.seed}-{digest[:8]}"
