"""Pictures of a child become a data set."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from bench.data.imports.unfinished import exclusive_lock
from bench.data.public import fetch
from bench.data.public.fetch import fetch_public
from bench.data.public.sources import TABLE, Fetched
from bench.data.source import find
from bench.errors import UserError
from bench.files import csv_text
from bench.jobs.worker import handler

CLASSES = ("tulips", "daisy")  # as the library numbers them


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


def test_two_at_once(asked, home):
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
