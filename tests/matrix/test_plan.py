import dataclasses
import re
from types import SimpleNamespace

import pytest
from helpers_jobs import empty_source, planned_runs

import backbones
from backbones import registry
from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.errors import UserError
from bench.jobs.messages import PlannedRun
from bench.matrix.plan import WORK_OF_STARTING, ParsedRequest, grouped, usual_resolutions, warn_of_random, work
from bench.matrix.request import Options, RunRequest


@pytest.fixture
def sized(monkeypatch):
    """Adapters `fixed`, of 300 px, and `bounded`, of 64 to 300 px."""
    tiny = backbones.get("tiny")
    for name, smallest in (("fixed", 300), ("bounded", 64)):
        adapter = dataclasses.replace(tiny, name=name, smallest_px=smallest, largest_px=300)
        monkeypatch.setitem(registry._registered, name, adapter)


def cells(words, px, *resolutions):
    """Backbone and resolution of every run on a data set of these resolutions."""
    return set(ParsedRequest.of(RunRequest(words=words, px=px)).cells(empty_source(*resolutions)))


def test_usual_resolutions():
    assert usual_resolutions(empty_source(192, 224, 331, 512)) == (224, 512)
    assert usual_resolutions(empty_source(192, 224)) == (224,)
    assert usual_resolutions(empty_source(64, 192)) == (64, 192)
    assert usual_resolutions(empty_source(64, 331)) == (224,)
    assert usual_resolutions(empty_source(600)) == (224, 512)


def test_a_resolution_that_is_not_there_is_made_from_the_next_larger_one():
    assert cells(["tiny", "tiny@48"], "32", 32, 64, 128) == {("tiny", 32), ("tiny", 48)}


def test_pairs_are_those_of_the_words_and_of_the_command():
    assert cells(["tiny", "tiny@64", "vgg16@64"], "32,64", 32, 64) == {("tiny", 32), ("tiny", 64), ("vgg16", 64)}


def test_a_resolution_that_is_not_there():
    with pytest.raises(UserError, match=r"no pictures of 128 px or more\. It has: 32, 64"):
        cells(["tiny@128"], "32", 32, 64)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("vgg16@16", "vgg16 takes images of at least 32 px, not of 16 px: ask for vgg16@32, or give --px 32."),
        ("vgg16@0", "vgg16 takes images of at least 32 px, not of 0 px: ask for vgg16@32, or give --px 32."),
        ("inceptionv3@64", "inceptionv3 takes images of at least 75 px, not of 64 px: ask for inceptionv3@75"),
        ("fixed@512", "fixed takes images of exactly 300 px, not of 512 px: ask for fixed@300, or give --px 300."),
        ("fixed", "fixed takes images of exactly 300 px, not of 224 px"),
        ("bounded@512", "bounded takes images of 64 to 300 px, not of 512 px: ask for bounded@300"),
        ("bounded@32", "bounded takes images of 64 to 300 px, not of 32 px: ask for bounded@64"),
    ],
)
def test_a_side_that_the_backbone_does_not_take(word, said, sized):
    with pytest.raises(UserError, match=re.escape(said)):
        cells([word], "224,512", 16, 32, 64, 224, 300, 512)


def test_a_side_that_the_backbone_takes(sized):
    found = cells(["fixed@300", "bounded@64", "bounded@300"], "224", 64, 300)
    assert found == {("fixed", 300), ("bounded", 64), ("bounded", 300)}


def test_a_side_that_the_backbone_does_not_take_is_reported_before_the_data_is_looked_at(sized, call):
    status, out, err = call("run", "fixed@512")
    assert (status, out) == (2, "")
    assert err == (
        "petalbench: fixed takes images of exactly 300 px, not of 512 px: ask for fixed@300, or give --px 300.\n"
    )


def test_a_job_is_a_backbone_smallest_resolution_first():
    runs = planned_runs("vgg16@512", "vgg16@224", "tiny@224", seeds=2)
    assert len({run.run_id for run in runs}) == len(runs) == 6
    small, large = grouped(runs)
    assert [{run.config.backbone for run in group} for group in (large, small)] == [{"vgg16"}, {"tiny"}]
    assert [(run.config.image_px, run.config.seed) for run in large] == [(224, 0), (224, 1), (512, 0), (512, 1)]


def test_heads_share_a_job_and_whole_networks_have_their_own():
    def runs(recipe):
        return planned_runs("tiny@32", recipe=recipe, seeds=2, options=Options(lr_scales=(1.0, 3.0)))

    mixed = [*runs("frozen"), *runs("finetune"), *runs("frozen-flip")]
    assert len({run.run_id for run in mixed}) == 12
    assert sorted(len(job) for job in grouped(mixed)) == [1, 1, 1, 1, 8]


def test_more_pixels_are_more_work():
    def run(backbone, px):
        return SimpleNamespace(config=SimpleNamespace(backbone=backbone, image_px=px, recipe=load_recipe("frozen")))

    small, large = (work(run("vgg16", px), 10) - WORK_OF_STARTING for px in (224, 512))
    assert large == pytest.approx((512 / 224) ** 2 * small)
    assert work(run("vgg16", 224), 10) > work(run("efficientnetb0", 224), 10)


def planned(backbone, weights="random"):
    recipe = load_recipe("frozen")
    config = RunConfig(data="sample", backbone=backbone, image_px=224, recipe=recipe, weights=weights)
    return PlannedRun(run_id=config.run_id("0"), config=config)


def test_random_weights_are_announced_for_what_is_still_to_run(capsys):
    warn_of_random([planned("vgg16"), planned("vgg16"), planned("resnet50", "imagenet"), planned("tiny")], RunRequest())
    err = capsys.readouterr().err
    assert err.count("vgg16") == 1
    assert "resnet50" not in err
    assert "tiny" not in err  # has no other weights
    warn_of_random([], RunRequest())
    warn_of_random([planned("vgg16")], RunRequest(weights="random"))  # was asked for
    assert capsys.readouterr().err == ""
