"""The command, its child and the real kagglehub against a service on this machine."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from bench.data.imports.unfinished import exclusive_lock
from bench.data.public.fetch import fetch_petals
from bench.data.public.petals import files
from bench.data.records import count_records
from bench.data.source import find, names
from bench.errors import UserError

ALL = files(192)


def one_line(answer):
    status, _, err = answer
    assert status == 2
    assert err.startswith("petalbench: ")
    assert err.count("\n") == 1
    return err


def put(root, kaggle, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(kaggle.content(name))


def test_petals_are_fetched_and_found(kaggle, call, home):
    status, out, _ = call("data", "fetch", "petals", "--px", "192")
    assert status == 0
    assert "fetched 48 shards of 192 px" in out
    assert sorted(kaggle.asked) == sorted(ALL)
    source = find("petals")
    assert source.root == (home / "data" / "petals").resolve()
    counts = {split: sum(map(count_records, shards)) for split, shards in source.shards[192].items()}
    assert counts == {"train": 12_753, "val": 3_712, "test": 7_382}
    assert len(source.class_names) == 104
    assert sorted(path.name for path in source.root.iterdir()) == [".fetching.lock", "tfrecords-jpeg-192x192"]

    kaggle.asked.clear()
    status, out, _ = call("data", "fetch", "petals", "--px", "192")
    assert (status, kaggle.asked) == (0, [])
    assert "already complete at 192 px" in out


def test_a_refusal_loses_nothing_and_shows_nothing(kaggle, call, home):
    kaggle.refused[ALL[20]] = (403, "You must accept this competition's rules.")
    assert "accept the rules" in one_line(call("data", "fetch", "petals", "--px", "192"))
    assert "petals" not in names()
    kaggle.refused.clear()
    kaggle.asked.clear()
    assert call("data", "fetch", "petals", "--px", "192")[0] == 0
    assert kaggle.asked == list(ALL[20:])


def test_damaged_shards_alone_are_replaced(kaggle, monkeypatch, tmp_path):
    monkeypatch.setenv("PETALS_DIR", str(tmp_path / "mine"))
    put(tmp_path / "mine", kaggle, ALL)
    (tmp_path / "mine" / ALL[3]).unlink()
    (tmp_path / "mine" / ALL[40]).write_bytes(kaggle.content(ALL[40])[:-1])
    outcome = fetch_petals((192,))
    assert (outcome.root, outcome.files) == (tmp_path / "mine", 2)
    assert kaggle.asked == [ALL[3], ALL[40]]
    assert all((tmp_path / "mine" / name).read_bytes() == kaggle.content(name) for name in ALL)


def test_ctrl_c_ends_it_and_the_next_one_goes_on(kaggle, call):
    kaggle.stuck.add(ALL[5])
    command = [sys.executable, "-m", "bench", "data", "fetch", "petals", "--px", "192"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 60
        while ALL[5] not in kaggle.asked and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        assert "the same command goes on" in running.communicate(timeout=60)[1]
    assert running.returncode == 130
    kaggle.stuck.clear()
    kaggle.asked.clear()
    assert call("data", "fetch", "petals", "--px", "192")[0] == 0
    assert kaggle.asked == list(ALL[5:])


def test_files_on_a_mount_are_not_fetched(kaggle, monkeypatch, tmp_path):
    monkeypatch.setattr("bench.data.public.petals.MOUNTS", (tmp_path / "mount",))
    put(tmp_path / "mount", kaggle, ALL)
    outcome = fetch_petals((192,))
    assert (outcome.root, outcome.files, kaggle.asked) == (tmp_path / "mount", 0, [])


def test_wrong_requests(call):
    assert "Did you mean 'petals'" in one_line(call("data", "fetch", "petal"))
    assert "has its pictures at 192, 224, 331, 512 px" in one_line(call("data", "fetch", "petals", "--px", "224,256"))
    assert "--px 'big'" in one_line(call("data", "fetch", "petals", "--px", "big"))


def test_other_shards_in_the_way(kaggle, home):
    (home / "data" / "petals" / "tfrecords-jpeg-224x224" / "train").mkdir(parents=True)
    (home / "data" / "petals" / "tfrecords-jpeg-224x224" / "train" / "flowers00-230.tfrec").write_bytes(b"")
    with pytest.raises(UserError, match=r"holds 1 shards .* such as 'flowers00-230\.tfrec'"):
        fetch_petals((192,))
    assert kaggle.asked == []


def test_two_at_once(kaggle, home):
    (home / "data" / "petals").mkdir(parents=True)
    with (
        exclusive_lock(home / "data" / "petals" / ".fetching.lock", ""),
        pytest.raises(UserError, match="Another fetch"),
    ):
        fetch_petals((192,))


def test_a_url_to_fetch_into(kaggle, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PETALS_DIR", "gs://bucket/petals")
    with pytest.raises(UserError, match="PETALS_DIR is a URL"):
        fetch_petals((192,))
    assert not (tmp_path / "gs:").exists()


def test_a_folder_that_cannot_be_written(kaggle, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PETALS_DIR", str(tmp_path / "file"))
    with pytest.raises(UserError, match="Cannot write in"):
        fetch_petals((192,))
