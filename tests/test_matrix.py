from pathlib import Path
from types import SimpleNamespace

import pytest

import backbones
from backbones import hub
from bench import matrix
from bench.config import load_recipe
from bench.data.catalog import DataSource
from bench.errors import UserError


def source(*resolutions):
    return DataSource("toy", Path("toy"), None, {px: {} for px in resolutions}, None)


def names(*words, everything=False):
    return {(choice.backbone, choice.image_px) for choice in matrix.choose(words, everything)}


def test_all_is_the_four_of_the_matrix():
    assert names(everything=True) == {(name, None) for name in ("vgg16", "resnet50", "densenet121", "efficientnetb0")}


def test_names_resolutions_and_patterns():
    assert names("vgg16", "resnet50@512") == {("vgg16", None), ("resnet50", 512)}
    assert names("*net*@224") == {(name, 224) for name in backbones.names() if "net" in name}
    assert names("*net121@224") == {("densenet121", 224)}


def test_an_unknown_preset_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "find_spec", lambda name: True)
    for word in (f"hub:{tmp_path}", f"hub:{tmp_path}@224"):
        with pytest.raises(UserError, match="there is no preset at"):
            names(word)
    (tmp_path / "config.json").write_text("{}")
    assert names(f"hub:{tmp_path}@224") == {(f"hub:{tmp_path}", 224)}


def test_tiny_is_run_when_it_is_named_and_never_by_a_pattern():
    assert names("tiny") == {("tiny", None)}
    assert ("tiny", None) not in names("*")


def test_cheapest_first():
    cost = [backbones.get(choice.backbone).gflops_224 for choice in matrix.choose([], everything=True)]
    assert cost == sorted(cost)


def test_nothing_asked_for_shows_both_ways():
    with pytest.raises(UserError, match=r"--all.*vgg16"):
        matrix.choose([], everything=False)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("vgg61", "Did you mean 'vgg16'"),
        ("alexnet*", "Known: convnextbase, "),
        ("vgg16@big", "resolution in pixels after @"),
        ("vgg16@", "resolution in pixels after @"),
    ],
)
def test_wrong_words(word, said):
    with pytest.raises(UserError, match=said):
        matrix.choose([word], everything=False)


@pytest.mark.parametrize("text", ["", "224,", "big", "224;512", "-1", "0", "1.5"])
def test_wrong_resolutions(text):
    with pytest.raises(UserError, match="--px"):
        matrix.parse_resolutions(text)


def test_resolutions():
    assert matrix.parse_resolutions("512, 224,512") == (512, 224)
    assert matrix.usual_resolutions(source(192, 224, 331, 512)) == (224, 512)
    assert matrix.usual_resolutions(source(192, 224)) == (224,)
    assert matrix.usual_resolutions(source(64, 192)) == (64, 192)


def test_pairs_are_those_of_the_words_and_of_the_command():
    choices = matrix.choose(["tiny", "tiny@64", "vgg16@64"], everything=False)
    assert set(matrix.pairs(choices, (32, 64), source(32, 64))) == {("tiny", 32), ("tiny", 64), ("vgg16", 64)}


def test_a_resolution_that_is_not_there():
    with pytest.raises(UserError, match=r"no pictures of 128 px\. It has: 32, 64"):
        matrix.pairs(matrix.choose(["tiny@128"], False), (32,), source(32, 64))


def test_an_image_too_small_for_the_backbone():
    with pytest.raises(UserError, match="at least 32 px"):
        matrix.pairs(matrix.choose(["vgg16@16"], False), (16,), source(16))


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
    one, two = (matrix.weights_name(tmp_path / name) for name in ("a.h5", "b.h5"))
    assert one.startswith("a.h5@")
    assert one.split("@")[1] != two.split("@")[1]


def test_more_pixels_are_more_work():
    def run(backbone, px):
        return SimpleNamespace(config=SimpleNamespace(backbone=backbone, image_px=px, recipe=load_recipe("frozen")))

    small, large = (matrix.work(run("vgg16", px), 10) - matrix.WORK_OF_STARTING for px in (224, 512))
    assert large == pytest.approx((512 / 224) ** 2 * small)
    assert matrix.work(run("vgg16", 224), 10) > matrix.work(run("efficientnetb0", 224), 10)
