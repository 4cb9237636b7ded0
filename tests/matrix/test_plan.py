import dataclasses
import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import backbones
from backbones import registry
from bench.config.overrides import parse_resolutions, parse_scales
from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.data.source import DataSource
from bench.errors import UserError
from bench.jobs.messages import PlannedRun
from bench.matrix.plan import (
    WORK_OF_STARTING,
    cells,
    grouped,
    planned_runs,
    usual_resolutions,
    warn_of_random,
    weights_name,
    work,
)
from bench.matrix.request import Options
from bench.matrix.selection import choose


@pytest.fixture
def sized(monkeypatch):
    """Adapters `fixed`, of 300 px, and `bounded`, of 64 to 300 px."""
    tiny = backbones.get("tiny")
    for name, smallest in (("fixed", 300), ("bounded", 64)):
        adapter = dataclasses.replace(tiny, name=name, smallest_px=smallest, largest_px=300)
        monkeypatch.setitem(registry._registered, name, adapter)


def source(*resolutions):
    return DataSource("toy", Path("toy"), None, {px: {} for px in resolutions}, None)


@pytest.mark.parametrize("text", ["", "224,", "big", "224;512", "-1", "0", "1.5"])
def test_wrong_resolutions(text):
    with pytest.raises(UserError, match="--px"):
        parse_resolutions(text)


def test_resolutions():
    assert parse_resolutions("512, 224,512") == (512, 224)
    assert usual_resolutions(source(192, 224, 331, 512)) == (224, 512)
    assert usual_resolutions(source(192, 224)) == (224,)
    assert usual_resolutions(source(64, 192)) == (64, 192)
    assert usual_resolutions(source(64, 331)) == (224,)
    assert usual_resolutions(source(600)) == (224, 512)


def test_a_resolution_that_is_not_there_is_made_from_the_next_larger_one():
    choices = choose(["tiny", "tiny@48"], everything=False)
    assert set(cells(choices, (32,), source(32, 64, 128))) == {("tiny", 32), ("tiny", 48)}


def test_pairs_are_those_of_the_words_and_of_the_command():
    choices = choose(["tiny", "tiny@64", "vgg16@64"], everything=False)
    assert set(cells(choices, (32, 64), source(32, 64))) == {("tiny", 32), ("tiny", 64), ("vgg16", 64)}


def test_a_resolution_that_is_not_there():
    with pytest.raises(UserError, match=r"no pictures of 128 px or more\. It has: 32, 64"):
        cells(choose(["tiny@128"], False), (32,), source(32, 64))


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
        cells(choose([word], False), (224, 512), source(16, 32, 64, 224, 300, 512))


def test_a_side_that_the_backbone_takes(sized):
    found = cells(choose(["fixed@300", "bounded@64", "bounded@300"], False), (224,), source(64, 300))
    assert set(found) == {("fixed", 300), ("bounded", 64), ("bounded", 300)}


def test_a_side_that_the_backbone_does_not_take_is_told_before_the_data_is_looked_at(sized, call):
    status, out, err = call("run", "fixed@512")
    assert (status, out) == (2, "")
    assert err == (
        "petalbench: fixed takes images of exactly 300 px, not of 512 px: ask for fixed@300, or give --px 300.\n"
    )


def test_a_job_is_a_backbone_smallest_resolution_first():
    pairs = [("vgg16", 512), ("vgg16", 224), ("tiny", 224)]
    weights = {"vgg16": "imagenet", "tiny": "random"}
    runs = planned_runs(pairs, load_recipe("frozen"), 2, weights, "toy", {224: "a", 512: "b"}, Options())
    assert len({run.run_id for run in runs}) == len(runs) == 6
    large, small = grouped(runs)
    assert [{run.config.backbone for run in group} for group in (large, small)] == [{"vgg16"}, {"tiny"}]
    assert [(run.config.image_px, run.config.seed) for run in large] == [(224, 0), (224, 1), (512, 0), (512, 1)]


def test_heads_share_a_job_and_whole_networks_have_their_own():
    def runs(recipe):
        options = Options(lr_scales=(1.0, 3.0))
        return planned_runs([("tiny", 32)], load_recipe(recipe), 2, {"tiny": "random"}, "toy", {32: "a"}, options)

    mixed = [*runs("frozen"), *runs("finetune"), *runs("frozen-flip")]
    assert len({run.run_id for run in mixed}) == 12
    assert sorted(len(job) for job in grouped(mixed)) == [1, 1, 1, 1, 8]


@pytest.mark.parametrize("text", ["", "0", "1,", "-1", "nan", "inf", "fast"])
def test_wrong_scales(text):
    with pytest.raises(UserError, match="--lr-scale"):
        parse_scales(text)


def test_a_weights_file_is_named_by_its_content(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"one")
    (tmp_path / "b.h5").write_bytes(b"two")
    one, two = (weights_name(tmp_path / name, backbones.get("vgg16")) for name in ("a.h5", "b.h5"))
    assert one.startswith("a.h5@")
    assert one.split("@")[1] != two.split("@")[1]


def test_the_published_file_is_imagenet_wherever_it_lies(tmp_path):
    """The same weights are the same question; where no hash is published nobody can say so."""
    (tmp_path / "any.h5").write_bytes(b"one")
    backbone = backbones.get("vgg16")
    for digest, named in ((hashlib.md5(b"one").hexdigest(), "imagenet"), (None, "any.h5@7692c3ad")):
        file = dataclasses.replace(backbone.weights_file, digest=digest)
        adapter = dataclasses.replace(backbone, weights_file=file)
        assert weights_name(tmp_path / "any.h5", adapter) == named


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
    request = SimpleNamespace(weights=None, data="sample", runs=Path("runs"))
    warn_of_random([planned("vgg16"), planned("vgg16"), planned("resnet50", "imagenet"), planned("tiny")], request)
    err = capsys.readouterr().err
    assert err.count("vgg16") == 1
    assert "resnet50" not in err
    assert "tiny" not in err  # has no other weights
    warn_of_random([], request)
    warn_of_random([planned("vgg16")], SimpleNamespace(weights="random", data="sample"))  # was asked for
    assert capsys.readouterr().err == ""
