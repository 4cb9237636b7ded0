"""Petals from the real kagglehub and a service on this machine; public data sets from a stand-in for the child."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.data.imports.unfinished import exclusive_lock
from bench.data.public import fetch
from bench.data.public.fetch import fetch_petals, fetch_public
from bench.data.public.petals import files
from bench.data.public.sources import TABLE, Fetched
from bench.data.records import count_records
from bench.data.source import find, names
from bench.errors import UserError
from bench.files import csv_text
from bench.jobs.worker import handler

ALL = files(192)
CLASSES = ("tulips", "daisy")  # as the library numbers them


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
        assert "the same command resumes" in running.communicate(timeout=60)[1]
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


@pytest.fixture
def asked(monkeypatch, blocks, in_process):
    """The jobs of the child, which writes twelve pictures, six of each class."""
    jobs = []

    def write_pictures(job, tell):
        jobs.append(job)
        folder, rows = Path(job.folder), [("path", "label", "split")]
        (folder / "pictures").mkdir()
        for number in range(12):
            blocks(number).save(folder / "pictures" / f"{number}.png")
            split = ("train", "val", "test")[number // 2 % 3] if job.name == "oxford_flowers102" else ""
            rows.append((f"pictures/{number}.png", CLASSES[number % 2], split))
        (folder / TABLE).write_text(csv_text(rows))
        tell("writing pictures", 12, 12)
        Fetched(CLASSES, f"tensorflow-datasets {job.name}/1.2.3").save(folder)

    monkeypatch.setattr("bench.data.public.tfds.write_pictures", write_pictures)
    monkeypatch.setattr(fetch, "ask_counting", lambda job, log: handler(job.kind)(job, lambda event: None, log))
    return jobs


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_data_set_with_its_own_splits(asked, home):
    outcome = fetch_public("oxford_flowers102", (16, 32))
    assert outcome.counts == {"train": 4, "val": 4, "test": 4}
    source = find("oxford_flowers102")
    assert source.resolutions == (16, 32)
    assert source.class_names == CLASSES
    labels = {row["id"]: int(row["label"]) for row in read(source.answers)}
    of_test = {
        row["id"]: CLASSES.index(row["class"]) for row in read(source.root / "pictures.csv") if row["split"] == "test"
    }
    assert labels == of_test
    assert (
        json.loads((source.root / "import.json").read_text())["origin"] == "tensorflow-datasets oxford_flowers102/1.2.3"
    )
    assert not (home / "imports" / "oxford_flowers102").exists()


def test_what_is_there_is_not_fetched_again(asked):
    fetch_public("tf_flowers", (16,))
    before = read(find("tf_flowers").root / "pictures.csv")
    assert fetch_public("tf_flowers", (16,)) is None
    assert len(asked) == 1
    fetch_public("tf_flowers", (32,))
    assert find("tf_flowers").resolutions == (16, 32)
    assert read(find("tf_flowers").root / "pictures.csv") == before


def test_an_interrupted_import_goes_on_without_the_network(asked, monkeypatch):
    def interrupted(request):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fetch, "import_pictures", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch_public("tf_flowers", (16,))
    fetch_public("tf_flowers", (16,))
    assert len(asked) == 1


def test_pictures_of_the_users_own_stay(asked, home):
    (home / "data" / "tf_flowers").mkdir(parents=True)
    with pytest.raises(UserError, match=r"was not fetched\. Rename its folder"):
        fetch_public("tf_flowers", (16,))
    assert asked == []


def test_two_at_once_of_one_name(asked, home):
    (home / "imports").mkdir(parents=True)
    with (
        exclusive_lock(home / "imports" / "tf_flowers.fetch.lock", ""),
        pytest.raises(UserError, match="Another fetch of tf_fl"),
    ):
        fetch_public("tf_flowers", (16,))


def test_the_command_says_what_came(asked, call):
    status, out, _ = call("data", "fetch", "tf_flowers", "--px", "16")
    assert status == 0
    assert out.startswith("tf_flowers: 12 pictures of 2 classes (train ")
    assert "Next: python -m bench data audit tf_flowers" in out
    assert call("data", "fetch", "tf_flowers", "--px", "16")[1] == "tf_flowers: already complete at 16 px.\n"


def test_without_the_extra_the_command_says_so(call, monkeypatch, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "tensorflow_datasets.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    status, _, err = call("data", "fetch", "oxford_flowers102")
    assert status == 2
    assert err.startswith("petalbench: data fetch oxford_flowers102 needs tensorflow-datasets")
    assert "pip install 'petalbench[tfds]'. (not here)" in err
    assert err.count("\n") == 1
