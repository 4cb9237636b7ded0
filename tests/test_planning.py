from pathlib import Path
from types import SimpleNamespace

from bench.config import RunConfig, load_recipe
from bench.jobs import PlannedRun
from bench.planning import warn_of_random


def planned(backbone, weights="random"):
    recipe = load_recipe("frozen")
    config = RunConfig(data="sample", backbone=backbone, image_px=224, recipe=recipe, weights=weights)
    return PlannedRun(run_id=config.run_id("0"), config=config)


def test_random_weights_are_announced_for_what_is_still_to_run(capsys):
    request = SimpleNamespace(weights=None, data="sample", runs=Path("runs"))
    warn_of_random([planned("vgg16"), planned("vgg16"), planned("resnet50", "imagenet"), planned("tiny")], request)
    err = capsys.readouterr().err
    assert err.count("vgg16") == 1
    assert "resnet50" not in err
    assert "tiny" not in err  # has no other weights
    warn_of_random([], request)
    warn_of_random([planned("vgg16")], SimpleNamespace(weights="random", data="sample"))  # was asked for
    assert capsys.readouterr().err == ""
