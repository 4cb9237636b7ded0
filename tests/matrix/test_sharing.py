"""Commands that share a store, as processes. Their child is `sharing_worker.py`, which stores results untrained."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.data import index
from bench.data.index import DataIndex, SplitIndex
from bench.data.source import find
from bench.store.store import Store

WORKER = Path(__file__).parent.parent / "sharing_worker.py"
BENCH = f"from bench.jobs import process; process.WORKER = ({str(WORKER)!r},); from bench.cli import main; main()"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for split in ("train", "val"):
        folder = tmp_path / "toy" / "tfrecords-jpeg-32x32" / split
        folder.mkdir(parents=True)
        (folder / "00-0.tfrec").write_bytes(b"")
    source = find(str(tmp_path / "toy"))
    splits = {split: SplitIndex((f"{split}0",), np.array([0])) for split in ("train", "val")}
    index.save(source, DataIndex("toy", ("rose", "aster"), {32: source.fingerprint(32)}, splits, None))
    store = Store(tmp_path / "runs")
    store.check_writable()
    return store


@pytest.fixture
def start(store, tmp_path):
    """Starts a command whose errors go to a file; those that still run at the end of the test are killed."""
    started = []

    def start(*words, environment=None):
        environment, said = {**os.environ, **(environment or {})}, tmp_path / f"errors{len(started)}.txt"
        with said.open("w") as file:
            program = [sys.executable, "-c", BENCH, *map(str, words)]
            command = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=file, text=True)
        command.said = said
        started.append(command)
        return command

    yield start
    for command in started:
        command.kill()
        command.communicate()


@pytest.fixture
def run(start):
    words = ("run", "tiny@32", "--data", "toy", "--weights", "random", "--json")
    return lambda *more, **options: start(*words, *more, **options)


def trained(store):
    path = store.root / "trained.txt"
    return path.read_text().split() if path.exists() else []


def wait_until(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def waits(command):
    """The line that says so, once printed."""
    wait_until(lambda: "waiting" in command.said.read_text())
    (line,) = [line for line in command.said.read_text().splitlines() if line.startswith("waiting")]
    return line


def ended(command):
    out, _ = command.communicate(timeout=60)
    return command.returncode, json.loads(out) if out else command.said.read_text()


def test_two_commands_share_the_runs_and_both_see_all(store, run):
    (store.root / "hold").touch()
    commands = []
    for number in range(2):
        commands.append(run("--recipe", "finetune", "--seeds", 4))
        wait_until(lambda expected=number + 1: len(trained(store)) == expected)
    (store.root / "hold").unlink()
    for command in commands:
        status, content = ended(command)
        assert (status, content["failed"]) == (0, [])
        assert sorted(content["finished"]) == list(store.run_ids())
    assert Counter(trained(store)) == dict.fromkeys(store.run_ids(), 1)
    assert len(store.run_ids()) == 4
    assert not list(store.partial.iterdir())


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_heads_of_one_backbone_are_waited_for(store, run, force):
    """They share the features, which would be extracted twice. Other heads are trained afterwards."""
    if force:
        assert ended(run("--seeds", 3))[0] == 0
        (store.root / "trained.txt").unlink()
    (store.root / "hold").touch()
    first = run("--seeds", 2, *force)
    wait_until(lambda: trained(store))
    second = run("--seeds", 3, *force)
    assert re.fullmatch(rf"waiting for 3 runs in work in process {first.pid} on \S+", waits(second))
    (store.root / "hold").unlink()
    assert ended(first)[0] == 0
    status, content = ended(second)
    assert (status, len(content["finished"])) == (0, 3)
    assert Counter(trained(store)) == dict.fromkeys(store.run_ids(), 1)


def test_the_work_of_a_killed_command_is_taken_over(store, run):
    (store.root / "hold").touch()
    first = run()
    wait_until(lambda: trained(store))
    second = run()
    waits(second)
    first.kill()
    wait_until(lambda: len(trained(store)) == 2)
    (store.root / "hold").unlink()
    status, content = ended(second)
    assert (status, content["finished"]) == (0, list(store.run_ids()))
    assert len(store.run_ids()) == 1
    assert not list(store.partial.iterdir())


def test_a_failure_of_the_other_command_is_a_failure_of_both(store, run):
    (store.root / "hold").touch()
    first = run("--seeds", 2)
    wait_until(lambda: trained(store))
    (store.root / "fail.txt").write_text(trained(store)[0])
    second = run("--seeds", 2)
    waits(second)
    (store.root / "hold").unlink()
    status, content = ended(first)
    assert (status, [failure["run_id"] for failure in content["failed"]]) == (1, trained(store)[:1])
    again = ended(second)
    assert again == (status, content)
    assert len(trained(store)) == 2


def test_a_run_whose_child_died_after_storing_it_has_not_failed(store, run):
    (store.root / "die").touch()
    status, content = ended(run("--seeds", 2))
    assert (status, content["failed"]) == (0, [])
    assert content["finished"] == trained(store) == list(store.run_ids())
    assert len(store.run_ids()) == 2


def test_an_interruption_while_waiting_ends_that_command_alone(store, run):
    (store.root / "hold").touch()
    first = run()
    wait_until(lambda: trained(store))
    second = run()
    waits(second)
    second.send_signal(signal.SIGINT)
    status, said = ended(second)
    assert (status, said.splitlines()[-1]) == (130, "Interrupted. Finished runs are kept; the same command resumes.")
    (store.root / "hold").unlink()
    assert ended(first)[0] == 0
    assert len(trained(store)) == 1


def test_clean_keeps_the_work_of_a_live_command_and_says_so(store, run, start):
    (store.root / "hold").touch()
    command = run("--recipe", "finetune")
    wait_until(lambda: trained(store))
    (run_id,) = trained(store)
    for name in (".partial/dead.unfinished", ".banks/tiny-32-val", ".banks/.tiny-32-train-0", ".banks/vgg16-32-val"):
        (store.root / name).mkdir(parents=True)
    cleaning = start("clean", "--yes")
    out, _ = cleaning.communicate(timeout=60)
    assert cleaning.returncode == 0
    (kept,) = [line for line in out.splitlines() if line.startswith("Kept")]
    assert kept.startswith(f"Kept, in use by process {command.pid} on ")
    assert sorted(path.name for path in store.banks.iterdir()) == [".tiny-32-train-0", "tiny-32-val"]
    assert sorted(path.name for path in store.partial.iterdir()) == [
        f"{run_id}.log",
        f"{run_id}.unfinished",
    ]
    assert store.unfinished(run_id).checkpoint.is_file()
    (store.root / "hold").unlink()
    assert ended(command)[0] == 0
    assert store.run_ids() == (run_id,)
    start("clean", "--yes").communicate(timeout=60)
    assert not list(store.banks.iterdir())


def test_workers_of_one_cluster_do_not_wait_for_each_other_but_a_second_cluster_is_refused(store, run):
    def worker(index):
        cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": index}}
        return run("--recipe", "finetune", environment={"TF_CONFIG": json.dumps(cluster)})

    (store.root / "hold").touch()
    workers = [worker(0), worker(1)]
    wait_until(lambda: len(trained(store)) == 2)
    status, said = ended(worker(0))
    assert status == 2
    assert f"1 runs are in work in process {workers[0].pid} on " in said
    (store.root / "hold").unlink()
    assert [ended(command)[0] for command in workers] == [0, 0]
