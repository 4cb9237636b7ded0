"""Runs whose network trains, from the job to the run directory, in this process."""

import numpy as np
import pytest
from helpers_data import make_data
from helpers_jobs import finetune_job

from bench.config.recipe import load_recipe
from bench.data.scan import scan
from bench.data.source import find
from bench.jobs.messages import Failed, Finished, Progress
from bench.store.store import Store
from bench.training.finetune import run_finetuned
from bench.training.results import JobContext


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data") / "flowers", (32,))


def carry_out(asked, tmp_path):
    """The events of the job."""
    events, log = [], tmp_path / "log.txt"
    log.write_text("printed\n")
    run_finetuned(asked, events.append, log)
    return events


def test_a_run_is_stored_whole(data, tmp_path):
    events = carry_out(finetune_job(data, tmp_path / "runs", target_f1=0.01), tmp_path)
    assert isinstance(events[-1], Finished)
    run = Store(tmp_path / "runs").get("tiny")
    result = run.result
    assert len(run.history) == result.cost.epochs == 3
    np.testing.assert_allclose(np.exp(run.log_probs("val")).sum(axis=1), 1, rtol=1e-5)
    assert result.metrics.macro_f1 == pytest.approx(run.history["val_macro_f1"].iloc[-1])
    seconds = run.history["train_seconds"]
    assert result.cost.train_seconds_full == pytest.approx(result.cost.first_epoch_seconds + seconds.iloc[1:].sum())
    assert result.cost.first_epoch_seconds > seconds.iloc[0]  # by the scale of the random network
    excess = max(0.0, seconds.iloc[0] - seconds.iloc[1:].median())
    assert result.cost.train_seconds_steady == pytest.approx(seconds.sum() - excess)
    assert result.cost.uncached_epoch_seconds == result.cost.epoch_seconds
    assert result.cost.epoch_seconds == pytest.approx(run.history["train_seconds"].iloc[1:].median())
    assert 0 <= result.cost.input_wait_share <= 1
    assert result.metrics.target_epoch >= 1
    assert not list(Store(tmp_path / "runs").partial.glob("*"))


def test_training_on_validation_is_marked(data, tmp_path):
    carry_out(finetune_job(data, tmp_path / "runs", config={"train_on": "train+val"}, epochs=1), tmp_path)
    metrics = Store(tmp_path / "runs").get("tiny").result.metrics
    assert metrics.saw_validation
    assert metrics.train_images == sum(len(scan(find(str(data)), (32,)).splits[s].ids) for s in ("train", "val"))


def limited(monkeypatch, most):
    """A device on which more than so many images at once do not fit."""
    import tensorflow as tf

    from bench.training.loop.steps import Steps

    gradients = Steps._gradients

    def skip_reason(self, inputs, *rest):
        size = tf.shape(inputs)[0]
        with tf.control_dependencies([tf.debugging.assert_less_equal(size, most, "OOM when allocating tensor")]):
            return gradients(self, tf.identity(inputs), *rest)

    def train(self, batch):
        try:
            return original(self, batch)
        except tf.errors.InvalidArgumentError as error:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor") from error

    original = Steps.train
    monkeypatch.setattr(Steps, "_gradients", skip_reason)
    monkeypatch.setattr(Steps, "train", train)


def test_a_batch_that_does_not_fit_is_named(data, tmp_path, monkeypatch):
    limited(monkeypatch, 2)
    failed = carry_out(finetune_job(data, tmp_path / "runs"), tmp_path)[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "oom"
    assert "4 images of 32 px at once do not fit in memory" in failed.reason


@pytest.mark.parametrize(("way", "micro", "asked", "batch"), [("accumulate", 1, None, 4), ("shrink", None, 4, 1)])
def test_a_batch_that_does_not_fit_is_made_smaller_and_marked(data, tmp_path, monkeypatch, way, micro, asked, batch):
    limited(monkeypatch, 1)
    carry_out(finetune_job(data, tmp_path / "runs", epochs=1).model_copy(update={"on_oom": way}), tmp_path)
    setup = Store(tmp_path / "runs").get("tiny").result.setup
    assert (setup.micro_batch, setup.asked_global_batch, setup.global_batch) == (micro, asked, batch)


def test_a_loss_that_is_not_finite_is_a_failure_of_its_kind(data, tmp_path):
    schedule = load_recipe("finetune").schedule.model_copy(update={"start_lr": 1e30, "max_lr": 1e30})
    failed = carry_out(finetune_job(data, tmp_path / "runs", schedule=schedule, optimizer="sgd"), tmp_path)[-1]
    assert failed.kind == "nan"
    assert "step" in failed.reason


def test_a_kept_model_gives_the_same_probabilities(data, tmp_path):
    import keras

    import backbones
    from bench.data.reading import images

    carry_out(finetune_job(data, tmp_path / "runs", epochs=1).model_copy(update={"keep_weights": True}), tmp_path)
    run = Store(tmp_path / "runs").get("tiny")
    pictures = np.concatenate([batch.numpy() for batch in images(find(str(data)).stored(32, "val"), 8)])
    probs = keras.models.load_model(run.model).predict(np.asarray(backbones.get("tiny").prepare(pictures)), verbose=0)
    np.testing.assert_allclose(probs, np.exp(run.log_probs("val")), atol=1e-5)


def test_a_run_from_a_stage_on_is_charged_for_its_maps(data, tmp_path):
    carry_out(finetune_job(data, tmp_path / "runs", trainable="from:stage5"), tmp_path)
    run = Store(tmp_path / "runs").get("tiny")
    cost = run.result.cost
    assert cost.extraction_seconds > 0
    assert cost.first_epoch_seconds > cost.extraction_seconds + run.history["train_seconds"].iloc[0]
    assert cost.eval_seconds > run.history["eval_seconds"].sum()
    assert cost.uncached_epoch_seconds == pytest.approx(cost.extraction_seconds / 2 + cost.epoch_seconds)
    assert len(list(Store(tmp_path / "runs").banks.iterdir())) == 3  # two views of train, one of val


def test_without_room_it_trains_on_pictures(data, tmp_path):
    asked = finetune_job(data, tmp_path / "runs", trainable="from:stage5", epochs=1)
    carry_out(asked.model_copy(update={"bank_gib": 0.0}), tmp_path)
    assert Store(tmp_path / "runs").get("tiny").result.cost.extraction_seconds is None


@pytest.mark.parametrize(("way", "micro", "batch"), [("accumulate", 2, 4), ("shrink", None, 2)])
def test_a_run_begins_with_the_batch_that_an_earlier_process_found_to_fit(data, tmp_path, way, micro, batch):
    asked = finetune_job(data, tmp_path / "runs", epochs=1).model_copy(update={"on_oom": way, "at_once": 2})
    carry_out(asked, tmp_path)
    setup = Store(tmp_path / "runs").get("tiny").result.setup
    assert (setup.micro_batch, setup.global_batch) == (micro, batch)


@pytest.mark.parametrize(("change", "interruptions"), [({}, 1), ({"on_oom": "shrink", "at_once": 2}, 0)])
def test_epochs_of_two_batches_are_never_one_run(data, tmp_path, monkeypatch, change, interruptions):
    """A run that ended before it was stored is continued with its batch, and begins anew with another."""
    asked = finetune_job(data, tmp_path / "runs", epochs=2)
    with monkeypatch.context() as full:
        full.setattr(JobContext, "save", lambda self, trained: 1 / 0)
        assert isinstance(carry_out(asked, tmp_path)[-1], Failed)
    events = carry_out(asked.model_copy(update=change), tmp_path)
    restarts = [event.phase for event in events if isinstance(event, Progress) and "starts anew" in event.phase]
    assert Store(tmp_path / "runs").get("tiny").result.setup.interruptions == interruptions
    line = "starts anew: its checkpoint is of global_batch 4, and now it is 2"
    assert restarts == [line] * (1 - interruptions)
