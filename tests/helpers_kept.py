"""Runs that kept their weights, trained in this process, and the validation pictures as files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from helpers_data import make_data

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.data.scan import scan
from bench.data.source import find
from bench.jobs.messages import Failed, PlannedRun, TrainJob
from bench.matrix.weights import weights_name
from bench.store.store import Store

COUNTS = {"train": 33, "val": 20, "test": 4}
PX = 32


@dataclass(frozen=True)
class World:
    """A store with runs by a short name, a folder of pictures (PNG), and the weights file that one run stands on."""

    store: Store
    run_ids: dict
    pictures: Path
    weights: Path

    def run(self, name):
        return self.store.get(self.run_ids[name])


def make_world(folder) -> World:
    import backbones

    data = make_data(folder / "toy", (PX,), counts=COUNTS)
    index = scan(find(str(data)), (PX,))
    weights = folder / "mine.weights.h5"
    backbones.get("tiny").build("random", seed=4).save_weights(weights)
    asked = {
        "none": (load_recipe("frozen-flip"), "random", False),  # first: it makes the bank that `frozen` finds
        "tuned": (load_recipe("finetune").model_copy(update={"epochs": 2, "batch_per_replica": 8}), "random", True),
        "frozen": (load_recipe("frozen"), "random", True),
        "head": (load_recipe("frozen"), weights, True),
    }
    run_ids = {}
    for name, (recipe, start, keeps) in asked.items():
        named = weights_name(start, backbones.get("tiny"))
        config = RunConfig(data="toy", backbone="tiny", image_px=PX, recipe=recipe, weights=named)
        run_ids[name] = config.run_id(index.fingerprints[PX])
        run = PlannedRun(run_id=run_ids[name], config=config)
        job = TrainJob(
            data=str(data),
            resolutions=(PX,),
            backbone="tiny",
            weights=str(start),
            store=str(folder / "runs"),
            code_revision="x",
            runs=(run,),
            keep_weights=keeps,
        )
        train(job, folder / "log.txt")
    _write_pictures(data, index, folder / "pictures")
    return World(Store(folder / "runs"), run_ids, folder / "pictures", weights)


def train(job, log):
    """In this process."""
    from bench.training.finetune import run_finetuned
    from bench.training.frozen import run_frozen

    log.write_text("")
    events = []
    (run_frozen if job.runs[0].config.recipe.is_banked else run_finetuned)(job, events.append, log)
    assert not [event for event in events if isinstance(event, Failed)], events


def decoded(data, px=PX):
    """The validation pictures, uint8 (N, px, px, 3)."""
    from bench.data.reading import images

    return np.concatenate([batch.numpy() for batch in images(find(str(data)).stored(px, "val"), 8)])


def _write_pictures(data, index, folder):
    """PNG is lossless: every decoder gives the pixels that the runs have seen."""
    from PIL import Image

    folder.mkdir()
    for name, pixels in zip(index.splits["val"].ids, decoded(data), strict=True):
        Image.fromarray(pixels).save(folder / f"{name}.png")
