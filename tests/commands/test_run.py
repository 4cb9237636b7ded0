"""`run` with a stand-in for the child: states, exit status, JSON, and when the report is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench import api, environment
from bench.data import index
from bench.data.index import DataIndex, SplitIndex
from bench.data.source import find
from bench.jobs import process
from bench.jobs.messages import Finished
from bench.matrix.plan import ParsedRequest, make_plan
from bench.matrix.request import Options, RunRequest
from bench.matrix.run import MatrixRun
from bench.matrix.runner import RunOutcome
from bench.store.store import Store

FAKE = Path(__file__).parent.parent / "fake_worker.py"
PAGE = Path("reports") / "summary.md"


@pytest.fixture
def run(call, tmp_path, monkeypatch):
    """Runs `tiny` on a data set that is checked already; `script` holds a word per child (`fake_worker`)."""
    for split in ("train", "val"):
        folder = tmp_path / "toy" / "tfrecords-jpeg-32x32" / split
        folder.mkdir(parents=True)
        (folder / "00-0.tfrec").write_bytes(b"")
    source = find(str(tmp_path / "toy"))
    splits = {split: SplitIndex((f"{split}0",), np.array([0])) for split in ("train", "val")}
    index.save(source, DataIndex("toy", ("rose", "aster"), {32: source.fingerprint(32)}, splits, None))
    monkeypatch.setattr(process, "WORKER", (str(FAKE),))

    def run(*words, script=""):
        (tmp_path / "runs").mkdir(exist_ok=True)
        (tmp_path / "runs" / "script.txt").write_text(script)
        return call("run", "tiny@32", "--data", "toy", "--weights", "random", *words)

    return run


@pytest.fixture
def names(run):
    """Names of the runs of three seeds."""
    return [row["run"] for row in json.loads(run("--seeds", 3, "--dry-run", "--json")[1])]


def finish(run_id):
    """A run that counts as finished, of which nothing can be read."""
    folder = Path("runs", run_id)
    folder.mkdir()
    (folder / "result.json").write_text("{}")


@pytest.fixture
def reported(monkeypatch):
    """The arguments of every report, none of which is written."""
    calls = []
    monkeypatch.setattr(api, "report", lambda *of: calls.append(of))
    return calls


def test_runs_that_fail_are_the_status_and_in_the_json_and_in_the_report(run, names):
    """The stand-in says that the second run is finished, and stores nothing."""
    status, out, _ = run("--seeds", 2, "--json", script="nan")
    assert status == 1
    assert json.loads(out) == {
        "finished": [names[1]],
        "skipped": [],
        "failed": [{"run_id": names[0], "kind": "nan", "reason": "loss is nan in epoch 1, step 2"}],
        "failed_before": [],
        "report": str(PAGE),
    }
    assert names[0] in PAGE.read_text()
    status, out, _ = run("--json")
    assert status == 1
    content = json.loads(out)
    assert (content["finished"], content["failed"], content["failed_before"]) == ([], [], [names[0]])


def test_the_outcome_is_one_line(run, names, reported):
    finish(names[2])
    status, out, _ = run("--seeds", 3, script="nan")
    assert status == 1
    assert out == f"3 runs: 1 trained, 1 finished before, 1 FAILED. Report: {PAGE}\n"
    status, out, _ = run()
    assert status == 1
    assert out == (
        f"1 runs: 0 trained, 0 finished before, 1 failed before (repeat with --retry-failed). Report: {PAGE}\n"
    )
    status, out, _ = run("--retry-failed", script="good")
    assert (status, out) == (0, f"1 runs: 1 trained, 0 finished before. Report: {PAGE}\n")


def test_runs_trained_by_another_process_are_counted_apart(call, monkeypatch, reported):
    finished = [Finished(run_id=name, macro_f1=0.5, seconds=1.0) for name in "abc"]
    plan = make_plan(ParsedRequest.of(RunRequest(words=("tiny@32",), weights="random")), Store(Path("runs")))
    made = MatrixRun(plan, 0, RunOutcome(finished, elsewhere=1))
    monkeypatch.setattr(api, "run", lambda request: made)
    assert call("run", "tiny")[:2] == (
        0,
        f"0 runs: 2 trained, 0 finished before, 1 trained by another process meanwhile. Report: {PAGE}\n",
    )


def test_a_report_is_written_if_a_run_was_to_be_done_or_there_is_none(run, names, reported):
    finish(names[0])
    assert run()[0] == 0
    assert reported == [(Path("runs"), "toy", Path("reports"), None)]
    PAGE.parent.mkdir()
    PAGE.write_text("written before")
    assert run()[0] == 0
    assert len(reported) == 1  # nothing has changed
    assert run("--force", script="good")[0] == 0
    assert len(reported) == 2
    assert run("--reports", "elsewhere")[0] == 0
    assert reported[2][2] == Path("elsewhere")


def test_prices_reach_the_report(run, reported, tmp_path):
    (tmp_path / "p.toml").write_text('[[price]]\ndevice = "cpu"\nusd_per_hour = 1\nsource = "x"\ndate = 2026-01-01\n')
    assert run("--prices", "p.toml", script="good")[0] == 0
    assert reported == [(Path("runs"), "toy", Path("reports"), Path("p.toml"))]


def test_a_worker_that_is_not_the_chief_writes_no_report(run, reported, monkeypatch):
    monkeypatch.setattr(environment, "is_chief", lambda: False)
    assert run(script="good")[0] == 0
    assert reported == []


def test_a_dry_run_lists_states_and_changes_nothing(run, names, reported):
    finish(names[0])
    run("--seeds", 2, script="nan")
    reported.clear()
    before = sorted(Path("runs").rglob("*"))
    status, out, _ = run("--seeds", 3, "--dry-run")
    assert status == 0  # a failure of before is not one of this command
    assert out == f"finished  {names[0]}\nfailed    {names[1]}\nto run    {names[2]}\n"
    states = [row["state"] for row in json.loads(run("--seeds", 3, "--dry-run", "--json")[1])]
    assert states == ["finished", "failed", "to run"]
    again = [row["state"] for row in json.loads(run("--seeds", 3, "--dry-run", "--json", "--retry-failed")[1])]
    assert again == ["finished", "to run", "to run"]
    assert (reported, sorted(Path("runs").rglob("*"))) == ([], before)
    assert not PAGE.exists()


def test_runs_of_a_sample_that_is_not_drawn_have_no_hash(call):
    status, out, _ = call("run", "tiny", "--dry-run", "--weights", "random")
    assert (status, out) == (0, "to run    tiny-224-frozen\nto run    tiny-512-frozen\n")


def test_a_mistake_found_by_the_child_ends_the_command_without_a_report(run, reported):
    status, out, err = run("--seeds", 2, script="mistake")
    assert (status, out, reported) == (2, "", [])
    assert err.splitlines()[-1] == "petalbench: picture 'x' does not decode."


def test_an_interruption_says_what_is_kept(call, monkeypatch, reported):
    def interrupted(request):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "run", interrupted)
    expected = "Interrupted. Finished runs are kept; the same command resumes.\n"
    assert call("run", "tiny") == (130, "", expected)
    assert reported == []


@pytest.fixture
def requested(call, monkeypatch):
    """Gives the request of a command that does nothing else."""
    requests = []

    def ask(request):
        requests.append(request)
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "run", ask)
    return lambda *words: call("run", *words) and requests.pop()


@pytest.mark.parametrize(
    ("word", "change"),
    [
        ("--all", {"everything": True}),
        ("--force", {"force": True}),
        ("--retry-failed", {"retry_failed": True}),
        ("--fail-fast", {"fail_fast": True}),
        ("--dry-run", {"dry_run": True}),
        ("--keep-weights", {"keep_weights": True}),
        ("--tensorboard", {"tensorboard": True}),
        ("--xla", {"options": Options(xla=True)}),
        ("--deterministic", {"options": Options(deterministic=True)}),
        ("--json", {}),
    ],
)
def test_each_switch_is_a_field_of_the_request(requested, word, change):
    assert requested(word) == RunRequest(**change)


def test_values_of_the_command_line_are_those_of_the_request(requested):
    assert requested(
        *("tiny@32", "vgg", "--data", "toy", "--recipe", "finetune", "--px", "32,64", "--seeds", 3),
        *("--weights", "random", "--plugin", "a.py", "--plugin", "b.py", "--runs", "r", "--set", "epochs=5"),
        *("--set", "dropout=0", "--lr-scale", "0.3,1,3", "--train-on", "train+val", "--precision", "mixed_bfloat16"),
        *("--strategy", "mirrored", "--on-oom", "shrink", "--bank-gib", 1.5, "--worker-timeout", 7),
    ) == RunRequest(
        words=("tiny@32", "vgg"),
        data="toy",
        recipe="finetune",
        px="32,64",
        seeds=3,
        weights="random",
        runs=Path("r"),
        settings=("epochs=5", "dropout=0"),
        options=Options((0.3, 1.0, 3.0), "mixed_bfloat16", strategy="mirrored", train_on="train+val"),
        on_oom="shrink",
        bank_gib=1.5,
        worker_timeout_seconds=7.0,
        plugins=(Path("a.py"), Path("b.py")),
    )
