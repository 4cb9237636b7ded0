"""Strategies on one device and on two logical ones, and workers that wait for each other."""

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.environment import TfConfig
from bench.errors import UserError
from bench.training.strategies import make_strategy, meet, strategy_name

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
    """Moving statistics included, which Keras keeps apart; also if one replica has no image of its own."""
    assert mirrored[case]["finite"]
    assert mirrored[case]["replicas"] == 0


def test_batch_norm_sees_the_images_of_its_replica(mirrored):
    """The documented difference: statistics over 4 images each are not those over 8."""
    assert 1e-4 < mirrored["batch norm"]["variables"] < 0.5


@pytest.mark.parametrize("layer", ["dropout", "spatial", "block", "gaussian", "brightness"])
def test_replicas_draw_noise_of_their_own(mirrored, layer):
    assert mirrored["noise"][layer] == {
        "replicas differ": True,
        "steps differ": True,
        "epochs differ": True,
        "repeatable": True,
    }


def test_a_resumed_training_draws_the_noise_of_an_uninterrupted_one(mirrored):
    assert mirrored["resumed"]["interruptions"] == 1
    assert mirrored["resumed"]["variables"] < 1e-6


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


def addresses(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    for each in sockets:
        each.close()
    return found


def test_three_workers_meet():
    named = addresses(3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda index: meet(TfConfig(named, index), 20), range(3)))


def test_the_one_that_never_comes_is_named():
    named = addresses(3)
    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(meet, TfConfig(named, index), 1) for index in (0, 1)]
    for attempt in tries:
        with pytest.raises(UserError, match=f"did not come within 1 s: {named[2]}\\."):
            attempt.result()


def test_an_address_that_is_none():
    with pytest.raises(UserError, match="'here'"):
        meet(TfConfig(("here", "there"), 0), 1)


def test_a_port_that_is_taken():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"127.0.0.1:{port}"):
            meet(TfConfig((f"127.0.0.1:{port}", "127.0.0.1:1"), 0), 1)
