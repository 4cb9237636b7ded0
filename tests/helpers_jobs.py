"""Runs and jobs for tests."""

from pathlib import Path

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.data.scan import scan
from bench.data.source import DataSource, find
from bench.jobs.messages import PlannedRun, TrainJob
from bench.matrix.plan import ParsedRequest
from bench.matrix.request import RunRequest


def empty_source(*resolutions):
    """A data set `toy` that declares resolutions and holds no file."""
    return DataSource("toy", Path("toy"), None, {px: {} for px in resolutions}, None)


def planned_runs(*words, weights="random", source=None, **request):
    """The named runs of a request, all from the same weights; without `source`, on an empty data set."""
    asked = ParsedRequest.of(RunRequest(words=words, **request))
    return asked.runs(source or empty_source(32, 224, 512), {choice.backbone: weights for choice in asked.choices})


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
