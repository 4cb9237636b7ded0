import json
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from bench.errors import UserError
from bench.training.strategies import make_strategy, strategy_name

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def mirrored():
    done = subprocess.run([sys.executable, HERE / "mirrored_child.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", ["no batch norm", "no batch norm, one image left", "averaged"])
def test_two_replicas_are_one_device_with_the_same_global_batch(mirrored, case):
    found = mirrored[case]
    assert found["strategy"] == "mirrored"
    assert found["variables"] < 1e-5
    assert found["losses"] < 1e-5
    assert found["predictions"] < 1e-4


@pytest.mark.parametrize("case", ["batch norm", "batch norm, one image left"])
def test_replicas_agree_in_every_variable_and_stay_finite(mirrored, case):
    """Moving statistics included, which Keras keeps apart; also where one replica has no image of its own."""
    assert mirrored[case]["finite"]
    assert mirrored[case]["replicas"] == 0


def test_batch_norm_sees_the_images_of_its_replica(mirrored):
    """The documented difference: statistics over 4 images each are not those over 8."""
    assert 1e-4 < mirrored["batch norm"]["variables"] < 0.5


def test_one_device_is_the_default(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert strategy_name(make_strategy("auto", 1)) == "default"


def test_two_devices_are_needed_for_mirroring():
    with pytest.raises(UserError, match="sees one CPU"):
        make_strategy("mirrored", 1)


def test_no_tpu_and_no_workers_are_one_line(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match="no TPU"):
        make_strategy("tpu", 1)
    with pytest.raises(UserError, match="needs TF_CONFIG"):
        make_strategy("multiworker", 1)


def test_the_loop_under_the_default_strategy_feeds_one_replica():
    from bench.training.loop.batches import Replicas

    assert Replicas.of(tf.distribute.get_strategy()) == Replicas(1, (0,))
