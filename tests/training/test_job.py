"""Training jobs in processes of their own: interrupted, and with options that hold for a whole process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers_data import make_data
from helpers_jobs import finetune_job

from bench.jobs.messages import Failed
from bench.store.store import Store
from bench.training.job import handle


def interruptions(folder):
    """How often the run in progress was interrupted, as its checkpoint has it; None without a checkpoint."""
    path = next(folder.glob("runs/.partial/*.unfinished/checkpoint.npz"), None)
    return path and json.loads(np.load(path)["state"].tobytes())["interruptions"]


def kill_in_training(words, folder, how, before):
    """Starts the command, and kills it once its own checkpoint exists, after `before` interruptions."""
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 120
    while interruptions(folder) != before:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(how)
    assert process.wait(timeout=60) != 0


def test_an_interrupted_command_goes_on(tmp_path):
    """Ended by a signal that a process can handle, then by one that it cannot."""
    data = make_data(tmp_path / "flowers", (32,))
    words = [sys.executable, "-m", "bench", "run", "tiny@32", "--data", str(data), "--weights", "random"]
    words += ["--recipe", "seed-densenet121-final"]
    for before, how in enumerate([signal.SIGTERM, signal.SIGKILL]):
        kill_in_training(words, tmp_path, how, before)
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    run = Store(tmp_path / "runs").get("tiny")
    assert run.result.setup.interruptions == 2
    assert run.history["epoch"].tolist() == list(range(30))
    assert not list((tmp_path / "runs" / ".partial").glob("*.unfinished"))


@pytest.fixture(scope="module")
def optional(tmp_path_factory):
    """Plain, XLA, two half precisions, and twice deterministic."""
    child, folder = Path(__file__).parent / "options_child.py", tmp_path_factory.mktemp("options")
    environment = {**os.environ, "PETALBENCH_HOME": str(folder / "home")}
    done = subprocess.run([sys.executable, child, folder], env=environment, capture_output=True, text=True)
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


def test_a_plugin_that_is_another_by_now_fails_every_run(tmp_path):
    asked = finetune_job(
        make_data(tmp_path / "flowers", (32,)), tmp_path / "runs", config={"plugin": "net.py@12345678"}
    )
    events = []
    handle(asked, events.append, tmp_path / "log.txt")
    (failed,) = events
    assert isinstance(failed, Failed)
    assert (failed.run_id, failed.kind) == (asked.runs[0].run_id, "error")
    assert "net.py@12345678" in failed.reason
