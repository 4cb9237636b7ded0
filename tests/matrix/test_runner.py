import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.errors import UserError
from bench.jobs import process
from bench.jobs.messages import PlannedRun, TrainJob
from bench.jobs.progress import View
from bench.matrix import runner
from bench.store.store import Store

FAKE = Path(__file__).parent.parent / "fake_worker.py"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "WORKER", (str(FAKE),))
    store = Store(tmp_path)
    store.check_writable()
    return store


def planned(image_px, seed, recipe="frozen"):
    config = RunConfig(
        data="toy", backbone="tiny", image_px=image_px, recipe=load_recipe(recipe), weights="random", seed=seed
    )
    return PlannedRun(run_id=config.run_id("f"), config=config)


def job(store, *runs, **fields):
    return TrainJob(
        **fields,
        data="toy",
        resolutions=(32, 64),
        backbone="tiny",
        weights="random",
        store=str(store.root),
        code_revision="0",
        runs=tuple(runs),
    )


def do(store, script, *runs, fields=None, **options):
    (store.root / "script.txt").write_text(script)
    outcome = runner.run_jobs([job(store, *runs, **(fields or {}))], store, View({}), **options)
    return [event.run_id for event in outcome.finished], {event.run_id: event for event in outcome.failed}


def test_all_runs_of_a_good_child_are_finished(store):
    runs = [planned(32, 0), planned(32, 1)]
    finished, failed = do(store, "good", *runs)
    assert finished == [run.run_id for run in runs]
    assert failed == {}
    assert list(store.partial.iterdir()) == []  # no log is left


def test_a_killed_child_fails_one_run_and_the_others_go_on(store):
    one, two = planned(32, 0), planned(32, 1)
    finished, failed = do(store, "die-in-head good", one, two)
    assert finished == [two.run_id]
    assert failed[one.run_id].kind == "killed"
    assert "SIGKILL" in failed[one.run_id].reason
    [kept] = store.failures()
    assert kept.run_id == one.run_id
    assert kept.log_tail == "printed by die-in-head"


def test_runs_that_share_features_fail_together_when_those_kill(store):
    small, small_too, large = planned(32, 0), planned(32, 1), planned(64, 0)
    finished, failed = do(store, "die-in-features good", small, small_too, large)
    assert finished == [large.run_id]
    assert set(failed) == {small.run_id, small_too.run_id}


def test_a_child_that_ends_with_a_status_is_an_error(store):
    run = planned(32, 0)
    _, failed = do(store, "crash", run)
    assert failed[run.run_id].kind == "error"
    assert "exit status 7" in failed[run.run_id].reason


def test_what_a_child_says_of_a_failed_run_is_kept(store):
    one, two = planned(32, 0), planned(32, 1)
    finished, failed = do(store, "nan", one, two)
    assert finished == [two.run_id]
    assert failed[one.run_id].kind == store.failures()[0].kind == "nan"
    assert store.failures()[0].reason == "loss is nan in epoch 1, step 2"


def test_fail_fast_begins_nothing_more(store):
    (store.root / "script.txt").write_text("crash good")
    jobs = [job(store, planned(32, 0)), job(store, planned(64, 0))]
    outcome = runner.run_jobs(jobs, store, View({}), fail_fast=True)
    assert (len(outcome.failed), len(outcome.finished)) == (1, 0)
    assert (store.root / "script.txt").read_text() == "good"


def test_other_jobs_go_on_after_a_failure(store):
    (store.root / "script.txt").write_text("crash good")
    outcome = runner.run_jobs([job(store, planned(32, 0)), job(store, planned(64, 0))], store, View({}))
    assert (len(outcome.failed), len(outcome.finished)) == (1, 1)


def test_a_line_that_is_no_event_is_passed_over(store):
    run = planned(32, 0)
    assert do(store, "garbage", run)[0] == [run.run_id]


def test_a_mistake_stops_everything_with_its_line(store):
    with pytest.raises(UserError, match="picture 'x' does not decode"):
        do(store, "mistake good", planned(32, 0), planned(32, 1))
    assert (store.root / "script.txt").read_text() == "good"
    assert store.failures() == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interruption_ends_the_child(store, monkeypatch):
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)  # the stand-in does not watch its standard input

    def interrupt():
        while not (store.root / "child.pid").exists():
            time.sleep(0.05)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        do(store, "hang", planned(32, 0))
    thread.join()
    pid = int((store.root / "child.pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert store.failures() == []
    assert store.run_ids() == ()


@pytest.fixture
def counted_kills(monkeypatch):
    """The system counts one more kill for want of memory at every look."""
    looks = []
    monkeypatch.setattr(runner, "oom_kills", lambda: looks.append(1) or len(looks))


def test_a_child_that_the_system_killed_for_memory_names_its_batch(store, counted_kills):
    run = planned(32, 0, "finetune")
    _, failed = do(store, "die-in-training", run)
    assert failed[run.run_id].kind == "oom"
    assert "32 images of 32 px at once" in failed[run.run_id].reason


def test_it_is_tried_again_with_fewer_images_where_that_was_asked_for(store, counted_kills):
    run = planned(32, 0, "finetune")
    finished, failed = do(store, "die-in-training die-in-training at-once", run, fields={"on_oom": "accumulate"})
    assert (finished, failed) == ([run.run_id], {})
    assert (store.root / "at_once.txt").read_text() == "8"


def test_a_kill_without_an_out_of_memory_count_is_a_kill(store, monkeypatch):
    monkeypatch.setattr(runner, "oom_kills", lambda: 5)
    run = planned(32, 0, "finetune")
    _, failed = do(store, "die-in-training", run, fields={"on_oom": "accumulate"})
    assert failed[run.run_id].kind == "killed"
