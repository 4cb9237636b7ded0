import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers_store import make_failure, make_outputs, make_result

from bench.errors import UserError
from bench.store.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def test_a_saved_run_comes_back_whole(store):
    outputs = make_outputs()
    saved = store.save(make_result("tiny-32-frozen-s0-aaaaaaaa"), outputs)
    again = store.get(saved.run_id)
    np.testing.assert_array_equal(again.log_probs("val"), outputs.log_probs["val"])
    np.testing.assert_array_equal(again.log_probs("test"), outputs.log_probs["test"])
    pd.testing.assert_frame_equal(again.history, outputs.history)
    assert again.images == outputs.images
    assert again.config == outputs.config
    assert again.result.metrics == make_result("x").metrics
    assert again.paths.log.read_text() == outputs.log


def test_arrays_are_plain_float32_in_c_order(store):
    outputs = make_outputs()
    outputs.log_probs["val"] = np.asfortranarray(outputs.log_probs["val"].astype(np.float64))
    run = store.save(make_result("a-aaaaaaaa"), outputs)
    array = np.load(run.paths.probabilities("val"), allow_pickle=False)
    assert array.dtype == np.float32
    assert array.flags.c_contiguous


def test_without_a_result_nothing_was_finished(store):
    run = store.save(make_result("a-aaaaaaaa"), make_outputs())
    run.paths.result.unlink()
    assert store.run_ids() == ()
    assert not store.is_finished("a-aaaaaaaa")


def test_unfinished_runs_do_not_count(store):
    store.save(make_result("a-aaaaaaaa"), make_outputs())
    (store.partial / "b-bbbbbbbb").mkdir()
    assert store.run_ids() == ("a-aaaaaaaa",)


def test_a_run_is_replaced_whole(store):
    store.save(make_result("a-aaaaaaaa"), make_outputs(seed=0))
    new = make_outputs(seed=1)
    np.testing.assert_array_equal(store.save(make_result("a-aaaaaaaa"), new).log_probs("val"), new.log_probs["val"])
    assert os.listdir(store.partial) == []


@pytest.mark.parametrize("name", ["val.npy", "images.json", "history.csv"])
def test_a_changed_file_is_refused_by_name(store, name):
    run = store.save(make_result("a-aaaaaaaa"), make_outputs())
    path = run.paths.folder / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=name):
        read_all(store.get("a-aaaaaaaa"))


def test_a_missing_file_is_refused_by_name(store):
    store.save(make_result("a-aaaaaaaa"), make_outputs()).paths.probabilities("test").unlink()
    with pytest.raises(UserError, match=r"test\.npy"):
        store.get("a-aaaaaaaa").log_probs("test")


def test_a_newer_schema_is_refused(store):
    run = store.save(make_result("a-aaaaaaaa"), make_outputs())
    content = json.loads(run.paths.result.read_text())
    run.paths.result.write_text(json.dumps(content | {"schema_version": 999}))
    with pytest.raises(UserError, match="schema_version 999"):
        _ = store.get("a-aaaaaaaa").result


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}'])
def test_a_damaged_result_is_one_line(store, text):
    run = store.save(make_result("a-aaaaaaaa"), make_outputs())
    run.paths.result.write_text(text)
    with pytest.raises(UserError, match="damaged") as error:
        _ = store.get("a-aaaaaaaa").result
    assert "\n" not in str(error.value)


def test_an_array_of_objects_is_not_unpickled(store):
    run = store.save(make_result("a-aaaaaaaa"), make_outputs())
    np.save(run.paths.probabilities("val"), np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="changed"):
        store.get("a-aaaaaaaa").log_probs("val")


def test_a_run_is_found_by_the_start_of_its_name(store):
    for name in ("tiny-32-frozen-s0-aaaaaaaa", "tiny-32-frozen-s1-aaaaaaaa"):
        store.save(make_result(name), make_outputs())
    assert store.get("tiny-32-frozen-s1").run_id == "tiny-32-frozen-s1-aaaaaaaa"
    with pytest.raises(UserError, match="could be any of"):
        store.get("tiny-32")
    with pytest.raises(UserError, match="Did you mean 'tiny-32-frozen-s0-aaaaaaaa'"):
        store.get("tony-32-frozen-s0-aaaaaaaa")


def test_a_success_makes_a_failure_history(store):
    failure = make_failure("a-aaaaaaaa")
    store.record_failure(failure)
    assert store.failures() == [failure] == [store.failure("a-aaaaaaaa")]
    run = store.save(make_result("a-aaaaaaaa"), make_outputs())
    assert store.failures() == []
    assert store.failure("a-aaaaaaaa") == failure
    shutil.rmtree(run.paths.folder)  # by the user, to train it again: it is neither finished nor failed
    assert store.attempts("a-aaaaaaaa") == (None, None)
    assert store.failures() == []


def test_a_store_that_cannot_be_written_is_one_line(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UserError, match="Cannot write to the run store"):
        Store(blocked / "runs").check_writable()


def read_all(run):
    return run.log_probs("val"), run.images, run.history


def test_a_finished_run_is_not_failed(store):
    store.record_failure(make_failure("a-aaaaaaaa"))
    assert [failure.run_id for failure in store.failures()] == ["a-aaaaaaaa"]
    store.save(make_result("a-aaaaaaaa"), make_outputs())
    store.record_failure(make_failure("a-aaaaaaaa"))  # of another process, which began before
    assert store.failures() == []


SAVER = """
import sys
from pathlib import Path
from helpers_store import make_outputs, make_result
from bench.store.store import Store
seed = int(sys.argv[2])
for _ in range(40):
    Store(Path(sys.argv[1])).save(make_result("a-aaaaaaaa", seed=seed), make_outputs(seed))
"""


def test_processes_that_save_one_run_do_not_fail_and_leave_the_whole_of_one(store):
    tests = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path])}
    savers = [
        subprocess.Popen([sys.executable, "-c", SAVER, str(store.root), str(seed)], env=environment, stderr=-1)
        for seed in (0, 1)
    ]
    errors = [saver.communicate(timeout=120)[1].decode() for saver in savers]
    assert [saver.returncode for saver in savers] == [0, 0], errors
    run = store.get("a-aaaaaaaa")
    read_all(run)
    np.testing.assert_array_equal(run.log_probs("val"), make_outputs(run.result.seed).log_probs["val"])
    assert os.listdir(store.partial) == []
