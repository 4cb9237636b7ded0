"""Two processes over loopback, as TF_CONFIG describes them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers_data import make_data

from bench.store.store import Store

HERE = Path(__file__).parent


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for found in sockets:
        found.bind(("127.0.0.1", 0))
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


def run_two(commands, folder):
    """Both to their ends; asserts that both went well."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    running = []
    for index, command in enumerate(commands):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(task)}
        log = (folder / f"worker{index}.txt").open("wb")
        running.append(subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log))
    for index, process in enumerate(running):
        status = process.wait(timeout=240)
        assert status == 0, (folder / f"worker{index}.txt").read_text()[-3000:]


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    script = str(HERE / "worker_child.py")
    run_two([[sys.executable, script, f"name{i}.txt", f"end{i}.npz", f"noise{i}.npz"] for i in range(2)], folder)
    return folder


def test_workers_agree_in_every_variable(workers):
    """Moving statistics included; the last step has one image for both."""
    one, other = (np.load(workers / f"end{index}.npz") for index in range(2))
    assert (workers / "name0.txt").read_text() == "multiworker"
    assert len(one.files) == len(other.files) > 10
    for name in one.files:
        assert np.isfinite(one[name]).all()
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_workers_draw_noise_of_their_own(workers):
    one, other = (np.load(workers / f"noise{index}.npz")["arr_0"] for index in range(2))
    assert not np.array_equal(one, other)


def test_every_image_is_predicted_by_one_of_them(workers):
    probs = np.exp(np.load(workers / "end0.npz")["predictions"])
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=1e-5)  # a row predicted by none, or twice, would not be 1


def test_one_run_directory_with_every_id_once(tmp_path):
    data = make_data(tmp_path / "flowers")
    words = ["-m", "bench", "run", "tiny@32", "--data", str(data), "--weights", "random", "--recipe", "finetune"]
    run_two([[sys.executable, *words]] * 2, tmp_path)
    store = Store(tmp_path / "runs")
    (run_id,) = store.run_ids()
    run = store.get(run_id)
    assert run.result.setup.strategy == "multiworker"
    assert (run.result.setup.replicas, run.result.setup.global_batch) == (2, 64)
    assert len(set(run.images.val_ids)) == len(run.images.val_ids) == len(run.log_probs("val"))
    np.testing.assert_allclose(np.exp(run.log_probs("val")).sum(axis=1), 1, rtol=1e-5)
    assert not list(store.partial.glob("*"))
