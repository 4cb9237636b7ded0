"""`JobContext` stores runs that are written by hand."""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from helpers_data import CLASSES, make_data

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.data.scan import scan
from bench.data.source import find
from bench.environment import kernels
from bench.errors import UserError
from bench.jobs.messages import PlannedRun, Progress, TrainJob
from bench.store.result import Cost
from bench.store.store import Store
from bench.training.code import training_code
from bench.training.loop.history import EpochRow
from bench.training.results import JobContext, TrainedRun

COUNTS = {"train": 6, "val": 8, "test": 4}
SIDES = (48, 64)  # of them 48 px is made from 64
COST = Cost(epochs=2, first_epoch_seconds=5.0, train_seconds_full=12.5)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("toy") / "toy", (64,), counts=COUNTS)


@pytest.fixture
def opened(tmp_path):
    """Opens a data set as a child does whose parent has checked it; `changed` is called in between."""

    def open_it(data, changed=lambda: None, **fields):
        scan(find(str(data)), SIDES)
        changed()
        (tmp_path / "log.txt").write_bytes(b"printed \xff\n")
        events = []
        return JobContext(job(data, tmp_path / "runs", **fields), events.append, tmp_path / "log.txt"), events

    return open_it


def job(data, store, **fields):
    return TrainJob(
        data=str(data),
        resolutions=SIDES,
        backbone="tiny",
        weights="random",
        store=str(store),
        code_revision="abc",
        runs=(planned(),),
        **fields,
    )


def planned(px=64, recipe=None, **changes):
    config = RunConfig(
        data="toy", backbone="tiny", image_px=px, recipe=recipe or load_recipe("frozen"), weights="random", **changes
    )
    return PlannedRun(run_id=config.run_id("f"), config=config)


def row(epoch, loss=0.5, f1=0.5):
    return EpochRow(epoch, 0.001, loss, 0.5, loss, 0.5, f1, train_seconds=2.0, eval_seconds=1.0)


def certain(predicted):
    """Log-probabilities of classes that a network is almost sure of."""
    probs = np.full((len(predicted), len(CLASSES)), 0.01)
    probs[np.arange(len(predicted)), predicted] = 0.97
    return np.log(probs).astype(np.float32)


HISTORY = (row(0), row(1))


def trained(context, run=None, history=HISTORY, **changes):
    """A run that takes the first image of class 0 for one of class 1, on validation alone."""
    log_probs = {}
    for split in context.splits:
        predicted = (context.labels("val") if split == "val" else np.array(context.index.test_labels)).copy()
        if split == "val":
            predicted[np.flatnonzero(predicted == 0)[0]] = 1
        log_probs[split] = certain(predicted)
    fields = {"cost": COST, "setup": {"global_batch": 16}, **changes}
    return TrainedRun(run or planned(), history, log_probs, **fields)


def stored(context, run):
    """Saves a run and reads it from the store again, with all its hashes checked."""
    score = context.save(run)
    (found,) = Store(context.store.root).runs()
    assert found.result.metrics.macro_f1 == score
    return found


def test_scores_by_hand(opened, toy):
    """Two validation images per class: F1 is 2/3 of class 0, 4/5 of class 1, and 1 of the others."""
    context, _ = opened(toy)
    metrics = stored(context, trained(context)).result.metrics
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 4 / 5 + 2) / 4)
    assert metrics.accuracy == pytest.approx(7 / 8)
    assert metrics.log_loss == pytest.approx(-(7 * math.log(0.97) + math.log(0.01)) / 8, rel=1e-5)
    assert (metrics.test_macro_f1, metrics.test_accuracy) == (1.0, 1.0)
    assert (metrics.train_images, metrics.val_images, metrics.test_images, metrics.classes) == (6, 8, 4, 4)
    assert (metrics.val_duplicates, metrics.test_duplicates) == (0, 0)
    assert not metrics.saw_validation
    assert not metrics.did_not_train
    assert not metrics.selected_on_validation


def test_the_result_names_run_data_and_conditions(opened, toy):
    context, _ = opened(toy)
    run = planned(seed=3, weights_seed=2, lr_scale=0.5, plugin="mine@0a1b")
    result = stored(context, trained(context, run, setup={"global_batch": 16, "replicas": 2})).result
    assert (result.run_id, result.kind, result.added) == (run.run_id, "run", False)
    assert (result.data, result.data_fingerprint) == ("toy", find(str(toy)).fingerprint(64))
    assert (result.backbone, result.family, result.image_px, result.recipe) == ("tiny", "tiny", 64, "frozen")
    assert (result.seed, result.weights_seed, result.lr_scale, result.plugin) == (3, 2, 0.5, "mine@0a1b")
    assert (result.setup.global_batch, result.setup.replicas, result.setup.code_revision) == (16, 2, "abc")
    assert result.setup.image_source_px is None
    assert result.setup.training_code == training_code("tiny")
    assert result.setup.kernels == kernels()
    assert result.cost == COST


def test_a_made_resolution_keeps_its_source_and_has_its_own_fingerprint(opened, toy):
    context, _ = opened(toy)
    found = stored(context, trained(context, planned(48)))
    assert found.result.setup.image_source_px == 64
    assert found.result.data_fingerprint == found.images.data_fingerprint == find(str(toy)).fingerprint(48)
    assert found.result.data_fingerprint != find(str(toy)).fingerprint(64)


def test_files_of_a_run(opened, toy, tmp_path):
    context, _ = opened(toy, tensorboard=True)
    run = planned()
    (tmp_path / "model.keras").write_bytes(b"network")
    events = context.store.unfinished(run.run_id).tensorboard
    events.mkdir(parents=True)
    (events / "events").write_bytes(b"curves")
    saved = trained(context, run, model=tmp_path / "model.keras", environment={"note": "by hand"})
    found = stored(context, saved)
    assert found.config == run.config.model_dump(mode="json")
    assert found.environment["note"] == "by hand"
    assert {"versions", "system"} <= found.environment.keys()
    assert "plugin" not in found.environment
    pd.testing.assert_frame_equal(found.history, pd.DataFrame([asdict(row) for row in HISTORY]))
    for split in ("val", "test"):
        np.testing.assert_array_equal(found.log_probs(split), saved.log_probs[split])
    assert found.paths.log.read_text() == "printed \N{REPLACEMENT CHARACTER}\n"
    assert found.paths.model.read_bytes() == b"network"
    assert (found.paths.tensorboard / "events").read_bytes() == b"curves"


def test_curves_that_the_job_does_not_ask_for_stay_out_of_the_run(opened, toy):
    context, _ = opened(toy)
    context.store.unfinished(planned().run_id).tensorboard.mkdir(parents=True)
    assert not stored(context, trained(context)).paths.tensorboard.exists()


def test_images_are_those_of_validation_and_test_in_the_order_of_the_arrays(opened, toy):
    """Labels of `make_data` cycle, over the splits too: those of val begin at 6, those of test at 14."""
    context, _ = opened(toy)
    images = stored(context, trained(context)).images
    assert images.val_ids == tuple(f"val{number:03d}" for number in range(8))
    assert images.val_labels == tuple((number + 6) % 4 for number in range(8))
    assert images.test_ids == tuple(f"test{number:03d}" for number in range(4))
    assert images.test_labels == tuple((number + 14) % 4 for number in range(4))
    assert images.class_names == CLASSES


def test_a_run_on_train_and_val_has_seen_validation(opened, toy):
    context, _ = opened(toy)
    metrics = stored(context, trained(context, planned(train_on="train+val"))).result.metrics
    assert (metrics.saw_validation, metrics.train_images, metrics.val_images) == (True, 14, 8)


def test_labels_of_splits_follow_one_another(opened, toy):
    context, _ = opened(toy)
    assert context.labels("train+val").tolist() == [number % 4 for number in range(14)]


def test_a_test_split_without_answers_is_predicted_and_not_scored(opened, tmp_path):
    context, _ = opened(make_data(tmp_path / "toy", (64,), counts=COUNTS, answers=False))
    log_probs = {"val": certain(context.labels("val")), "test": certain([0, 1, 2, 3])}
    found = stored(context, TrainedRun(planned(), HISTORY, log_probs, COST, {}))
    assert (found.result.metrics.test_images, found.result.metrics.test_macro_f1) == (4, None)
    assert (len(found.images.test_ids), found.images.test_labels) == (4, None)


def test_a_data_set_without_a_test_split(opened, tmp_path):
    context, _ = opened(make_data(tmp_path / "toy", (64,), counts={"train": 6, "val": 8}))
    assert context.splits == ["val"]
    found = stored(context, trained(context))
    assert (found.result.metrics.test_images, found.images.test_ids) == (0, ())
    assert not found.has("test")


@pytest.mark.parametrize(("factor", "chance"), [(1.0, True), (1.04, True), (0.9, False)])
def test_losses_of_guessing_are_marked(opened, toy, factor, chance):
    context, _ = opened(toy)
    found = stored(context, trained(context, history=[row(0, 0.1), row(1, factor * math.log(4))]))
    assert found.result.metrics.did_not_train == chance


@pytest.mark.parametrize(("first", "seconds"), [(5.0, 7.0), (None, 2.0)])
def test_the_target_is_reached_after_the_first_epoch_and_what_came_before(opened, toy, first, seconds):
    """The second epoch takes 2 s; the first, with the extraction, 5 s."""
    context, _ = opened(toy)
    recipe = load_recipe("frozen").model_copy(update={"target_f1": 0.6})
    history = [row(0, f1=0.5), row(1, f1=0.7), row(2, f1=0.8)]
    cost = COST.model_copy(update={"first_epoch_seconds": first})
    metrics = stored(context, trained(context, planned(recipe=recipe), history, cost=cost)).result.metrics
    assert (metrics.target_f1, metrics.target_epoch, metrics.target_seconds) == (0.6, 2, seconds)


def test_an_epoch_that_early_stopping_chose_is_marked(opened, toy):
    context, _ = opened(toy)
    schedule = load_recipe("frozen").schedule.model_copy(update={"ramp_epochs": 0})
    changes = {"early_stopping_patience": 1, "epochs": 9, "schedule": schedule}
    run = planned(recipe=load_recipe("frozen").model_copy(update=changes))
    found = stored(context, trained(context, run, [row(0, f1=0.5), row(1, f1=0.4)]))
    assert found.result.metrics.selected_on_validation


def test_progress_is_an_event_of_the_run(opened, toy):
    context, events = opened(toy)
    context.report_progress(planned(), "head", 2, 9)
    assert events == [Progress(run_id=planned().run_id, phase="head", done=2, total=9)]


def test_data_that_changed_after_it_was_checked_is_refused(opened, toy, tmp_path):
    folder = shutil.copytree(toy, tmp_path / "toy")

    def relabel():
        (folder / "answers.csv").write_text((folder / "answers.csv").read_text().replace("test000,2", "test000,3"))

    with pytest.raises(UserError, match="'toy' changed while it was used"):
        opened(folder, relabel)


def test_data_that_is_gone_is_refused(tmp_path):
    with pytest.raises(UserError, match="/no/such/toy"):
        JobContext(job("/no/such/toy", tmp_path / "runs"), print, tmp_path / "log.txt")
