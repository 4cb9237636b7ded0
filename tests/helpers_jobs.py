"""Jobs for the tests of training."""

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.data.scan import scan
from bench.data.source import find
from bench.jobs.messages import PlannedRun, TrainJob


def finetune_job(data, runs, *, config=None, **recipe):
    """A short fine-tuning of `tiny`; further fields are the recipe's."""
    asked = load_recipe("finetune").model_copy(update={"epochs": 3, "batch_per_replica": 4, **recipe})
    config = RunConfig(data="flowers", backbone="tiny", image_px=32, recipe=asked, weights="random", **(config or {}))
    run = PlannedRun(run_id=config.run_id(scan(find(str(data)), (32,)).fingerprints[32]), config=config)
    return TrainJob(
        data=str(data),
        resolutions=(32,),
        backbone="tiny",
        weights="random",
        store=str(runs),
        code_revision="x",
        runs=(run,),
    )
