"""A run whose network trains, from the command to its directory."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers_data import make_data
from helpers_jobs import finetune_job

from bench.config.recipe import load_recipe
from bench.data.scan import scan
from bench.data.source import find
from bench.jobs.messages import Failed, Finished
from bench.store.store import Store
from bench.training.finetune import run_finetuned
from bench.training.frozen import run_frozen


@pytest.fixture
def data(tmp_path):
    root = make_data(tmp_path / "flowers")
    scan(find(str(root)), (32,))
    return root


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
    assert result.cost.train_seconds_full == pytest.approx(run.history["train_seconds"].sum())
    assert result.cost.epoch_seconds == pytest.approx(run.history["train_seconds"].iloc[1:].median())
    assert 0 <= result.cost.input_wait_share <= 1
    assert result.metrics.target_epoch >= 1
    assert not list(Store(tmp_path / "runs").partial.glob("*"))


def test_training_on_validation_is_marked(data, tmp_path):
    carry_out(finetune_job(data, tmp_path / "runs", config={"train_on": "train+val"}), tmp_path)
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
def test_what_does_not_fit_is_made_smaller_and_marked(data, tmp_path, monkeypatch, way, micro, asked, batch):
    limited(monkeypatch, 1)
    carry_out(finetune_job(data, tmp_path / "runs").model_copy(update={"on_oom": way}), tmp_path)
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

    carry_out(finetune_job(data, tmp_path / "runs").model_copy(update={"keep_weights": True}), tmp_path)
    run = Store(tmp_path / "runs").get("tiny")
    pictures = np.concatenate([batch.numpy() for batch in images(find(str(data)).stored(32, "val"), 8)])
    probs = keras.models.load_model(run.model).predict(np.asarray(backbones.get("tiny").prepare(pictures)), verbose=0)
    np.testing.assert_allclose(probs, np.exp(run.log_probs("val")), atol=1e-5)


def killed_in_training(words, folder, how):
    """Starts the command, and kills its child or itself in the second epoch or later."""
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    checkpoint = None
    for _ in range(600):
        time.sleep(0.1)
        checkpoint = next(folder.glob("runs/.partial/*.unfinished/checkpoint.npz"), None)
        if checkpoint or process.poll() is not None:
            break
    assert checkpoint, process.stdout.read()
    process.send_signal(how)
    return process.wait(timeout=60)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_command_goes_on(data, tmp_path, how):
    words = [sys.executable, "-m", "bench", "run", "tiny@32", "--data", str(data), "--weights", "random"]
    words += ["--recipe", "seed-densenet121-final"]
    assert killed_in_training(words, tmp_path, how) != 0
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    run = Store(tmp_path / "runs").get("tiny")
    assert run.result.setup.interruptions == 1
    assert run.history["epoch"].tolist() == list(range(30))
    assert not list((tmp_path / "runs" / ".partial").glob("*.unfinished"))


def test_a_run_from_a_stage_on_is_charged_for_its_maps(data, tmp_path):
    carry_out(finetune_job(data, tmp_path / "runs", trainable="from:stage5"), tmp_path)
    run = Store(tmp_path / "runs").get("tiny")
    cost = run.result.cost
    assert cost.extraction_seconds > 0
    assert cost.train_seconds_full == pytest.approx(cost.extraction_seconds + run.history["train_seconds"].sum())
    assert cost.uncached_epoch_seconds == pytest.approx(cost.extraction_seconds / 2 + cost.epoch_seconds)
    assert len(list(Store(tmp_path / "runs").banks.iterdir())) == 3  # two views of train, one of val


def test_without_room_it_trains_on_pictures(data, tmp_path):
    asked = finetune_job(data, tmp_path / "runs", trainable="from:stage5").model_copy(update={"bank_gib": 0.0})
    carry_out(asked, tmp_path)
    assert Store(tmp_path / "runs").get("tiny").result.cost.extraction_seconds is None


@pytest.fixture(scope="module")
def optional(tmp_path_factory):
    """Plain, XLA, two half precisions, and twice deterministic."""
    child = Path(__file__).parent / "options_child.py"
    done = subprocess.run([sys.executable, child, tmp_path_factory.mktemp("options")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("number", "field", "value", "tolerance"),
    [
        (1, "xla", True, 1e-4),
        (2, "precision", "mixed_bfloat16", 0.05),
        (3, "precision", "mixed_float16", 0.05),
        (4, "deterministic", True, 1e-4),
    ],
)
def test_options_change_the_rounding_alone(optional, number, field, value, tolerance):
    assert optional[number]["setup"][field] == value
    np.testing.assert_allclose(optional[number]["losses"], optional[0]["losses"], atol=tolerance)


def test_deterministic_runs_agree_to_the_last_bit(optional):
    assert optional[4]["losses"] == optional[5]["losses"]


@pytest.mark.parametrize(("way", "micro", "batch"), [("accumulate", 2, 4), ("shrink", None, 2)])
def test_what_an_earlier_process_found_out_is_where_it_begins(data, tmp_path, way, micro, batch):
    asked = finetune_job(data, tmp_path / "runs").model_copy(update={"on_oom": way, "at_once": 2})
    carry_out(asked, tmp_path)
    setup = Store(tmp_path / "runs").get("tiny").result.setup
    assert (setup.micro_batch, setup.global_batch) == (micro, batch)


@pytest.mark.parametrize("trainable", ["all", "none"])
def test_tensorboard_finds_the_curves(data, tmp_path, trainable):
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    asked = finetune_job(data, tmp_path / "runs", trainable=trainable).model_copy(update={"tensorboard": True})
    log = tmp_path / "log.txt"
    log.write_text("")
    (run_frozen if trainable == "none" else run_finetuned)(asked, lambda event: None, log)
    run = Store(tmp_path / "runs").get("tiny")
    events = EventAccumulator(str(run.paths.tensorboard), size_guidance={TENSORS: 0}).Reload()
    for column in ("learning_rate", "val_macro_f1", "train_seconds"):
        written = [float(make_ndarray(event.tensor_proto)) for event in events.Tensors(column)]
        assert written == pytest.approx(run.history[column].tolist(), rel=1e-6)
