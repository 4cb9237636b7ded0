"""The commands as a user types them, in separate processes, on a small data set and the `tiny` backbone."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers_data import CLASSES, COUNTS, make_data

from bench.store.store import Store

NO_TENSORFLOW = (
    "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; from bench.cli import main; main()"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A working directory with a data set beside it, and an environment with separate home folders."""
    root = tmp_path_factory.mktemp("world")
    make_data(root / "toy", (32, 64))
    (root / "work").mkdir()
    environment = {**os.environ, "PETALBENCH_HOME": str(root / "home"), "KERAS_HOME": str(root / "keras")}
    return root, environment


@pytest.fixture(scope="module")
def bench(world):
    root, environment = world

    def call(*arguments, folder=root / "work", parent="-m bench"):
        start = ["-c", NO_TENSORFLOW] if parent == "without TensorFlow" else ["-m", "bench"]
        return subprocess.run(
            [sys.executable, *start, *map(str, arguments)], cwd=folder, env=environment, capture_output=True, text=True
        )

    return call


@pytest.fixture(scope="module")
def first(world, bench):
    """Two resolutions, two seeds."""
    done = bench(
        "run", "tiny", "--data", world[0] / "toy", "--px", "32,64", "--seeds", 2, "--weights", "random", "--json"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def store(world, first):
    return Store(world[0] / "work" / "runs")


def test_every_run_is_stored_whole(store, first):
    assert len(first["finished"]) == 4
    assert list(store.run_ids()) == sorted(first["finished"])
    for run in store.runs():
        assert sorted(path.name for path in run.paths.folder.iterdir()) == sorted(
            [*run.result.artefacts, "result.json"]
        )
        assert run.log_probs("val").shape == (COUNTS["val"], len(CLASSES))
        assert run.log_probs("test").shape == (COUNTS["test"], len(CLASSES))
        np.testing.assert_allclose(np.exp(run.log_probs("val")).sum(axis=1), 1, atol=1e-5)
        assert run.images.class_names == CLASSES
        assert run.images.val_ids == tuple(f"val{i:03d}" for i in range(COUNTS["val"]))
        assert len(run.history) == 30


def test_scores_are_those_of_the_stored_predictions(store):
    from sklearn.metrics import f1_score

    for run in store.runs():
        predicted = run.log_probs("val").argmax(axis=1)
        expected = f1_score(run.images.val_labels, predicted, average="macro")
        assert run.result.metrics.macro_f1 == pytest.approx(expected)
        assert run.history["val_macro_f1"].iloc[-1] == pytest.approx(expected)
        assert expected > 0.3  # the head has learnt: chance is 0.25


def test_costs_are_consistent(store):
    runs = sorted(store.runs(), key=lambda run: (run.result.image_px, run.result.seed))
    for run in runs:
        cost, history = run.result.cost, run.history
        seconds, ordinary = history["train_seconds"].sum(), history["train_seconds"][1:].median()
        assert cost.epoch_seconds == pytest.approx(ordinary)
        assert cost.train_seconds_full == pytest.approx(cost.first_epoch_seconds + history["train_seconds"][1:].sum())
        excess = max(0.0, history["train_seconds"][0] - ordinary)
        assert cost.train_seconds_steady == pytest.approx(cost.extraction_seconds + seconds - excess)
        assert cost.start_up_seconds > excess  # by the start-up of backbone and head
        assert cost.uncached_epoch_seconds == pytest.approx(cost.extraction_seconds + cost.epoch_seconds)
        assert cost.first_epoch_seconds > cost.extraction_seconds > 0
        assert cost.parameters == 6_808 + 4 * 16 + 16 * 4 + 4
        assert cost.peak_memory_mib > 100
    assert [run.result.cost.bank_shared for run in runs] == [False, True, False, True]
    assert runs[0].result.cost.extraction_seconds == runs[1].result.cost.extraction_seconds
    assert runs[2].result.cost.gflops_per_image == pytest.approx(4 * runs[0].result.cost.gflops_per_image, rel=0.2)


def test_seeds_differ(store):
    one, other = (run.log_probs("val") for run in list(store.runs())[:2])
    assert np.abs(one - other).max() > 1e-3


def test_nothing_is_run_twice_and_tensorflow_not_imported(world, bench, first, store):
    before = {run.run_id: run.result.finished for run in store.runs()}
    words = ("run", "tiny", "--data", world[0] / "toy", "--px", "32,64", "--seeds", 2, "--weights", "random", "--json")
    done = bench(*words, parent="without TensorFlow")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["finished"] == []
    assert sorted(content["skipped"]) == sorted(first["finished"])
    assert {run.run_id: run.result.finished for run in store.runs()} == before


def test_the_report_has_every_run(world, first):
    reports = world[0] / "work" / "reports"
    rows = pd.read_csv(reports / "results.csv")
    assert set(first["finished"]) <= set(rows["run_id"])
    text = (reports / "summary.md").read_text()
    assert "tiny@32" in text
    assert "tiny@64" in text
    assert list((reports / "figures").glob("*.png"))


def test_report_ensemble_show_and_lists_need_no_tensorflow(bench, first, store):
    for words in (
        ("ensemble", "top2"),
        ("report",),
        ("show", first["finished"][0]),
        ("list", "backbones"),
        ("list", "weights"),
        ("list", "recipes"),
        ("list", "runs"),
        ("list", "data"),
        ("clean",),
    ):
        done = bench(*words, parent="without TensorFlow")
        assert done.returncode == 0, (words, done.stderr)
        assert done.stdout
    [ensemble] = [run for run in store.runs() if run.result.kind == "ensemble"]
    assert len(ensemble.result.combination.members) == 2
    assert ensemble.result.metrics.test_images == COUNTS["test"]


def test_another_recipe_uses_the_same_banks(world, bench, first, store):
    words = (
        "run",
        "tiny@32",
        "--data",
        world[0] / "toy",
        "--recipe",
        "petals-baseline",
        "--weights",
        "random",
        "--json",
    )
    done = bench(*words)
    assert done.returncode == 0, done.stderr
    [run_id] = json.loads(done.stdout)["finished"]
    run = store.get(run_id)
    assert run.result.cost.epochs == 12
    plain = store.get(first["finished"][0]).result.cost.extraction_seconds
    assert run.result.cost.extraction_seconds > plain  # with the mirrored view
    names = sorted(path.name.rsplit("-", 1)[0] for path in store.banks.iterdir())
    assert names == sorted(
        [f"tiny-{px}-{split}-plain" for px in (32, 64) for split in COUNTS] + ["tiny-32-train-flipped"]
    )


def test_a_missing_resolution_is_made_and_reported_also_from_a_url(world, bench, store):
    words = ("run", "tiny@48", "--weights", "random", "--set", "epochs=2", "--json", "--data")
    foreseen = bench(*words, world[0] / "toy", "--dry-run", parent="without TensorFlow")
    done = bench(*words, f"file://{world[0]}/toy", parent="without TensorFlow")
    for answer in (foreseen, done):
        assert answer.returncode == 0, answer.stderr
        assert "'toy' has no pictures of 48 px: they are made from those of 64 px as they are read." in answer.stderr
    (run_id,) = json.loads(done.stdout)["finished"]
    assert [row["state"] for row in json.loads(foreseen.stdout)] == ["to run"]
    assert "copying, MiB" in done.stderr
    run = store.get(run_id)
    assert run.result.setup.image_source_px == 64
    assert run.result.data_fingerprint.endswith("-64-to-48-area")
    rows = pd.read_csv(world[0] / "work" / "reports" / "results.csv").set_index("run_id")
    assert rows.loc[run_id, "image_source_px"] == 64
    assert rows["image_source_px"].notna().sum() == 1
    assert "made from those of 64 px" in (world[0] / "work" / "reports" / "summary.md").read_text()


def test_dry_run_shows_and_does_nothing(world, bench, first):
    words = ("run", "tiny", "--data", world[0] / "toy", "--px", "32", "--seeds", 3, "--weights", "random", "--dry-run")
    done = bench(*words, parent="without TensorFlow")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["finished", "finished", "to"]
    fresh = bench(*words, "--runs", world[0] / "elsewhere", parent="without TensorFlow")
    assert fresh.returncode == 0
    assert not (world[0] / "elsewhere").exists()


def wait_for_progress(process: subprocess.Popen, word: str) -> None:
    """Waits for a line of progress that holds this word."""
    for line in process.stderr:
        if word in line:
            return
    raise AssertionError(f"no line of progress holds '{word}'")


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def is_gone(pid: int, patience: float = 15.0) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def running(world):
    """A `run` that builds a backbone which takes seconds."""
    root, environment = world
    words = ["-m", "bench", "run", "densenet121", "--data", str(root / "toy"), "--px", "32,64", "--weights", "random"]
    process = subprocess.Popen(
        [sys.executable, *words, "--runs", "stopped", "--reports", "stopped-reports"],
        cwd=root / "work",
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    wait_for_progress(process, "building")
    yield process, child_of(process.pid), Store(root / "work" / "stopped")
    process.kill()
    process.stderr.close()


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")
def test_an_interrupted_run_ends_its_child_and_leaves_only_what_is_complete(running):
    process, child, store = running
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(20) == 130
    assert "Interrupted" in rest
    assert "Traceback" not in rest
    assert is_gone(child, 1)
    assert store.run_ids() == ()
    assert store.failures() == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")
def test_a_child_whose_parent_vanishes_ends(running):
    process, child, _ = running
    process.kill()
    process.wait()
    assert is_gone(child)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")
def test_a_killed_child_is_a_recorded_failure_and_can_be_retried(world, bench, running):
    process, child, store = running
    os.kill(child, signal.SIGKILL)
    rest = process.stderr.read()
    assert process.wait(120) == 1, rest
    [failure] = store.failures()
    assert (failure.kind, failure.image_px) == ("killed", 32)
    assert len(store.run_ids()) == 1  # 64 px, by the child that came after
    words = ("run", "densenet121", "--data", world[0] / "toy", "--px", "32,64", "--weights", "random")
    where = ("--runs", "stopped", "--reports", "stopped-reports")
    again = bench(*words, *where)
    assert again.returncode == 1
    assert "1 failed before" in again.stdout
    assert "killed" in (world[0] / "work" / "stopped-reports" / "summary.md").read_text()
    retried = bench(*words, *where, "--retry-failed")
    assert retried.returncode == 0, retried.stderr
    assert store.failures() == []
    assert len(store.run_ids()) == 2


@pytest.fixture(scope="module")
def submitted(world, bench):
    """A run for a submission beside two at scaled rates, in a separate store."""
    common = ("--data", world[0] / "toy", "--px", "32", "--weights", "random", "--set", "epochs=3", "--runs", "own")
    for words in (("--recipe", "frozen-flip", "--train-on", "train+val"), ("--lr-scale", "0.5,2")):
        done = bench("run", "tiny", *common, *words, "--reports", "own-reports")
        assert done.returncode == 0, done.stderr
    return Store(world[0] / "work" / "own")


def test_a_run_for_a_submission_trains_on_everything_and_says_so(submitted):
    (run,) = (run for run in submitted.runs() if run.result.metrics.saw_validation)
    assert run.result.metrics.train_images == COUNTS["train"] + COUNTS["val"]
    assert run.config["train_on"] == "train+val"
    assert run.result.recipe == "frozen-flip-epochs-3"


def test_a_run_that_saw_validation_is_refused_by_an_ensemble(bench, submitted):
    (run,) = (run for run in submitted.runs() if run.result.metrics.saw_validation)
    others = [other.run_id for other in submitted.runs() if other.run_id != run.run_id]
    done = bench("ensemble", "mean", "--members", *others, run.run_id, "--runs", "own", "--reports", "own-reports")
    assert done.returncode == 2
    assert run.run_id in done.stderr


def test_each_scale_of_the_rates_is_a_run(submitted):
    scaled = {run.result.lr_scale: run.history["learning_rate"] for run in submitted.runs()}
    assert set(scaled) == {0.5, 1.0, 2.0}
    np.testing.assert_allclose(scaled[2.0], 4 * scaled[0.5], rtol=1e-5)
