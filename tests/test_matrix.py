import dataclasses
import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import backbones
from backbones import registry
from bench import matrix
from bench.choosing_backbones import choose
from bench.config import load_recipe
from bench.data.catalog import DataSource
from bench.errors import UserError


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
        matrix.parse_resolutions(text)


def test_resolutions():
    assert matrix.parse_resolutions("512, 224,512") == (512, 224)
    assert matrix.usual_resolutions(source(192, 224, 331, 512)) == (224, 512)
    assert matrix.usual_resolutions(source(192, 224)) == (224,)
    assert matrix.usual_resolutions(source(64, 192)) == (64, 192)
    assert matrix.usual_resolutions(source(64, 331)) == (224,)
    assert matrix.usual_resolutions(source(600)) == (224, 512)


def test_a_resolution_that_is_not_there_is_made_from_the_next_larger_one():
    choices = choose(["tiny", "tiny@48"], everything=False)
    assert set(matrix.pairs(choices, (32,), source(32, 64, 128))) == {("tiny", 32), ("tiny", 48)}


def test_pairs_are_those_of_the_words_and_of_the_command():
    choices = choose(["tiny", "tiny@64", "vgg16@64"], everything=False)
    assert set(matrix.pairs(choices, (32, 64), source(32, 64))) == {("tiny", 32), ("tiny", 64), ("vgg16", 64)}


def test_a_resolution_that_is_not_there():
    with pytest.raises(UserError, match=r"no pictures of 128 px or more\. It has: 32, 64"):
        matrix.pairs(choose(["tiny@128"], False), (32,), source(32, 64))


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
        matrix.pairs(choose([word], False), (224, 512), source(16, 32, 64, 224, 300, 512))


def test_a_side_that_the_backbone_takes(sized):
    found = matrix.pairs(choose(["fixed@300", "bounded@64", "bounded@300"], False), (224,), source(64, 300))
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
    runs = matrix.plan(pairs, load_recipe("frozen"), 2, weights, "toy", {224: "a", 512: "b"}, matrix.Options())
    assert len({run.run_id for run in runs}) == len(runs) == 6
    large, small = matrix.grouped(runs)
    assert [{run.config.backbone for run in group} for group in (large, small)] == [{"vgg16"}, {"tiny"}]
    assert [(run.config.image_px, run.config.seed) for run in large] == [(224, 0), (224, 1), (512, 0), (512, 1)]


def test_heads_share_a_job_and_whole_networks_have_their_own():
    def runs(recipe):
        options = matrix.Options(lr_scales=(1.0, 3.0))
        return matrix.plan([("tiny", 32)], load_recipe(recipe), 2, {"tiny": "random"}, "toy", {32: "a"}, options)

    mixed = [*runs("frozen"), *runs("finetune"), *runs("frozen-flip")]
    assert len({run.run_id for run in mixed}) == 12
    assert sorted(len(job) for job in matrix.grouped(mixed)) == [1, 1, 1, 1, 8]


@pytest.mark.parametrize("text", ["", "0", "1,", "-1", "nan", "inf", "fast"])
def test_wrong_scales(text):
    with pytest.raises(UserError, match="--lr-scale"):
        matrix.parse_scales(text)


def test_a_weights_file_is_named_by_its_content(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"one")
    (tmp_path / "b.h5").write_bytes(b"two")
    one, two = (matrix.weights_name(tmp_path / name, backbones.get("vgg16")) for name in ("a.h5", "b.h5"))
    assert one.startswith("a.h5@")
    assert one.split("@")[1] != two.split("@")[1]


def test_the_published_file_is_imagenet_wherever_it_lies(tmp_path):
    """The same weights are the same question; where no hash is published nobody can say so."""
    (tmp_path / "any.h5").write_bytes(b"one")
    backbone = backbones.get("vgg16")
    for digest, named in ((hashlib.md5(b"one").hexdigest(), "imagenet"), (None, "any.h5@7692c3ad")):
        file = dataclasses.replace(backbone.weights_file, digest=digest)
        adapter = dataclasses.replace(backbone, weights_file=file)
        assert matrix.weights_name(tmp_path / "any.h5", adapter) == named


def test_more_pixels_are_more_work():
    def run(backbone, px):
        return SimpleNamespace(config=SimpleNamespace(backbone=backbone, image_px=px, recipe=load_recipe("frozen")))

    small, large = (matrix.work(run("vgg16", px), 10) - matrix.WORK_OF_STARTING for px in (224, 512))
    assert large == pytest.approx((512 / 224) ** 2 * small)
    assert matrix.work(run("vgg16", 224), 10) > matrix.work(run("efficientnetb0", 224), 10)
