import dataclasses
import hashlib
import re
from types import SimpleNamespace

import pytest
from helpers_jobs import empty_source, planned_runs

import backbones
from backbones import registry, weights_file
from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.errors import UserError
from bench.jobs.messages import PlannedRun
from bench.matrix import weights
from bench.matrix.plan import (
    WORK_OF_STARTING,
    ParsedRequest,
    grouped,
    make_plan,
    usual_resolutions,
    warn_of_random,
    work,
)
from bench.matrix.request import Options, RunRequest
from bench.store.store import Store


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
    asked = ParsedRequest.of(RunRequest(words=("vgg16",)))
    warn_of_random([planned("vgg16"), planned("vgg16"), planned("resnet50", "imagenet"), planned("tiny")], asked)
    err = capsys.readouterr().err
    assert err.count("vgg16") == 1
    assert "resnet50" not in err
    assert "tiny" not in err  # has no other weights
    warn_of_random([], asked)
    warn_of_random([planned("vgg16")], ParsedRequest.of(RunRequest(words=("vgg16",), weights="random")))
    assert capsys.readouterr().err == ""


LITE = tuple(f"efficientnetlite{number}" for number in range(3))


@pytest.fixture
def at_hand(monkeypatch):
    """Chooses the backbones whose ImageNet weights are at hand."""

    def choose(*names):
        files = [backbones.get(name).weights_file for name in names]
        monkeypatch.setattr(weights, "_is_available", lambda file, online: file in files)

    return choose


def warned(asked, capsys):
    """The line that a plan prints if all its runs are still to do."""
    capsys.readouterr()
    chosen = weights.resolve_all(asked.request.weights_policy, [choice.backbone for choice in asked.choices])
    warn_of_random(asked.runs(empty_source(224), chosen), asked)
    return capsys.readouterr().err


def chosen(**request):
    asked = ParsedRequest.of(RunRequest(everything=True, **request)).with_packaged()
    return asked, {choice.backbone for choice in asked.choices}


@pytest.mark.parametrize("data", ["sample", "mine"])
def test_all_is_the_four_and_where_their_weights_are_missing_the_packaged_ones_too(data, at_hand, capsys):
    four = set(backbones.MATRIX)
    at_hand(*four, *LITE)
    asked, found = chosen(data=data)
    assert (found, warned(asked, capsys)) == (four, "")
    at_hand(*LITE)
    asked, found = chosen(data=data)
    assert found == four | set(LITE)
    line = warned(asked, capsys)
    assert line.count("\n") == 1
    assert all(name in line for name in found)
    assert "`--weights imagenet`" not in line
    at_hand()
    asked, found = chosen(data=data)
    assert found == four
    line = warned(asked, capsys)
    assert line.count("\n") == 1
    assert line.endswith("pip install 'petalbench[lite]', then the same command.\n")


def test_one_that_is_missing_brings_the_packaged_ones(at_hand):
    at_hand(*backbones.MATRIX[1:], *LITE[:2])
    assert chosen()[1] == {*backbones.MATRIX, *LITE[:2]}


@pytest.mark.parametrize("policy", ["random", "imagenet"])
def test_weights_that_are_asked_for_are_those_of_the_four(policy, at_hand):
    at_hand(*LITE)
    assert chosen(weights=policy)[1] == set(backbones.MATRIX)


def test_a_plan_has_the_packaged_ones_cheapest_first(at_hand, tmp_path):
    at_hand(*LITE)
    plan = make_plan(ParsedRequest.of(RunRequest(everything=True, words=("tiny@64",))), Store(tmp_path / "runs"))
    names = [choice.backbone for choice in plan.asked.choices]
    assert set(plan.weights) == set(names) == {*backbones.MATRIX, *LITE, "tiny"}
    assert {name for name, found in plan.weights.items() if found == "imagenet"} == set(LITE)
    assert names == sorted(names, key=lambda name: backbones.get(name).gflops_224)
    assert len(plan.rows()) == 15


@pytest.mark.parametrize("installed", [True, False])
def test_packaged_weights_are_looked_for_in_their_package(installed, monkeypatch, tmp_path):
    """Files of right names and hashes, in a package or in none."""
    (tmp_path / "models").mkdir()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(weights_file, "find_spec", lambda name: spec if installed else None)
    for name in LITE:
        file = dataclasses.replace(backbones.get(name).weights_file, digest=hashlib.md5(b"tensors").hexdigest())
        (tmp_path / "models" / file.name).write_bytes(b"tensors")
        monkeypatch.setitem(registry._registered, name, dataclasses.replace(backbones.get(name), weights_file=file))
    published = weights._is_available
    monkeypatch.setattr(weights, "_is_available", lambda file, online: published(file, lambda host: False))
    assert weights.packaged() == (list(LITE) if installed else [])
