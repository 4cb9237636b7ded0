from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.data import scan
from bench.data.imports import importer, spool
from bench.data.imports.importer import ImportRequest, import_pictures
from bench.data.imports.pictures import Prepared
from bench.data.imports.unfinished import exclusive_lock
from bench.data.source import find
from bench.errors import UserError


def sources(root: Path) -> dict[str, dict[str, str]]:
    with (root / "pictures.csv").open(encoding="utf-8", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def request(source: Path, name: str = "mine", **options) -> ImportRequest:
    return ImportRequest(source, name, resolutions=(8, 16), **options)


def refused(asked: ImportRequest, message: str) -> str:
    with pytest.raises(UserError, match=message) as caught:
        import_pictures(asked)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("in_process")
def test_an_import_is_a_data_set(garden, home):
    outcome = import_pictures(request(garden))
    source = find("mine")
    found = scan.scan(source, [8, 16])
    assert found.class_names == ("aster", "rose", "百合")
    assert outcome.counts == Counter(row["split"] for row in sources(source.root).values())
    by_id = {row["id"]: row for row in sources(source.root).values()}
    for split, part in found.splits.items():
        assert {by_id[name]["split"] for name in part.ids} == {split}
        labels = part.labels if split != "test" else found.test_labels
        assert [by_id[name]["class"] for name in part.ids] == [found.class_names[label] for label in labels]
        assert sorted({*labels.tolist()}) == [0, 1, 2]
    assert (found.splits["test"].labels == -1).all()
    row = sources(source.root)["rose/3.png"]
    assert row["sha256"] == hashlib.sha256((garden / "rose" / "3.png").read_bytes()).hexdigest()
    assert not (home / "imports" / "mine").exists()


@pytest.mark.usefixtures("in_process")
def test_shards_hold_the_pictures(garden, blocks):
    import tensorflow as tf

    from bench.data.records import decode, parse

    root = import_pictures(request(garden)).root
    row = sources(root)["aster/2.png"]
    expected = np.asarray(blocks(12).resize((16, 16), box=(5, 0, 35, 30))).astype(int)
    for shard in (root / "tfrecords-jpeg-16x16" / row["split"]).glob("*.tfrec"):
        for record in map(parse, tf.data.TFRecordDataset(str(shard))):
            if record["id"].numpy().decode() == row["id"]:
                np.testing.assert_allclose(decode(record["image"]).numpy().astype(int), expected, atol=40)
                return
    pytest.fail("the picture is not where pictures.csv says")


@pytest.mark.usefixtures("in_process")
def test_a_file_added_later_moves_no_other(garden, blocks):
    before = sources(import_pictures(request(garden)).root)
    for number in range(6):
        blocks(100 + number).save(garden / "rose" / f"new{number}.png")
    after = sources(import_pictures(request(garden, force=True)).root)
    assert len(after) == len(before) + 6
    assert {path: after[path] for path in before} == before


@pytest.mark.usefixtures("in_process")
def test_splits_that_are_given_are_kept(garden):
    with (garden / "t.csv").open("w", encoding="utf-8") as file:
        file.write("path,label,split\n")
        for number in range(6):
            split = ("train", "val", "test")[number % 3]
            file.write(f"rose/{number}.png,r,{split}\naster/{number}.png,{'' if split == 'test' else 'a'},{split}\n")
    text = (garden / "t.csv").read_text()
    refused(request(garden / "t.csv"), "2 of 4 test pictures have no label")
    (garden / "t.csv").write_text(text.replace(",r,test", ",,test"))
    root = import_pictures(request(garden / "t.csv")).root
    assert {row["split"] for path, row in sources(root).items() if path.startswith("rose/4")} == {"val"}
    assert not (root / "answers.csv").exists()
    assert scan.scan(find("mine"), [8]).test_labels is None
    refused(request(garden / "t.csv", "other", split="80,10,10"), "come with their splits")


@pytest.mark.usefixtures("in_process")
def test_unreadable_files_are_listed_and_left_out_only_when_asked(garden, home):
    (garden / "rose" / "a\nb.jpg").write_text("no picture")
    (garden / "aster" / "link.jpg").symlink_to("/etc/hostname")
    said = refused(request(garden), "2 of 20 files cannot be used: 'aster/link.jpg'")
    assert r"'rose/a\nb.jpg' (not a picture of a known format)" in said
    assert not (home / "data" / "mine").exists()
    assert len((home / "imports" / "mine" / "unreadable.txt").read_text().splitlines()) == 2
    outcome = import_pictures(request(garden, skip_unreadable=True))
    assert sum(outcome.counts.values()) == 18
    with (outcome.root / "skipped.csv").open(newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == ["aster/link.jpg", r"rose/a\nb.jpg"]


@pytest.mark.usefixtures("in_process")
def test_a_class_of_unreadable_files_is_not_left_out(garden):
    for path in (garden / "rose").iterdir():
        path.write_text("no picture")
    refused(request(garden, skip_unreadable=True), "No picture of 'rose' can be read")
    for path in (*(garden / "aster").iterdir(), *(garden / "百合").iterdir()):
        path.write_text("no picture")
    refused(request(garden, skip_unreadable=True), "None of 18 files can be used")


@pytest.mark.usefixtures("in_process")
def test_copies_are_reported_and_have_ids_of_their_own(garden):
    shutil.copy(garden / "rose" / "0.png", garden / "rose" / "copy.png")
    outcome = import_pictures(request(garden))
    assert outcome.copies == 1
    rows = sources(outcome.root)
    assert rows["rose/copy.png"]["id"] == rows["rose/0.png"]["id"] + "-2"
    assert rows["rose/copy.png"]["split"] == rows["rose/0.png"]["split"]
    scan.scan(find("mine"), [8])


@pytest.mark.usefixtures("in_process")
def test_one_picture_a_class(garden):
    for folder in garden.iterdir():
        for path in sorted(folder.iterdir())[1:]:
            path.unlink()
    refused(request(garden), "has 1 different picture, fewer than the 3 splits, and so have 2 other classes")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\nb", ".hidden", "a ", 'a"b', "x" * 81, "a\\b", "a|b", "-a"])
def test_names_that_cannot_be_folders_everywhere(garden, name):
    refused(request(garden, name), "cannot be the name of a data set")


@pytest.mark.usefixtures("in_process")
def test_a_name_that_is_taken(garden, home, monkeypatch):
    refused(request(garden, "sample"), "built-in")
    import_pictures(request(garden))
    refused(request(garden), "There is a data set 'mine' already.*--force")
    shutil.rmtree(garden / "rose")
    import_pictures(request(garden, force=True))
    assert find("mine").class_names == ("aster", "百合")
    assert [path.name for path in (home / "data").iterdir()] == ["mine"]


@pytest.mark.usefixtures("in_process")
def test_it_goes_on_where_it_was_interrupted(garden, monkeypatch):
    real, asked = importer.prepare_all, []

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(importer.Counter, "at", interrupt)
        with pytest.raises(KeyboardInterrupt):
            import_pictures(request(garden), workers=1)
    monkeypatch.setattr(importer, "prepare_all", lambda paths, *more: asked.extend(paths) or real(paths, *more))
    outcome = import_pictures(request(garden))
    assert 0 < len(asked) < 18
    assert sum(outcome.counts.values()) == 18


@pytest.mark.usefixtures("in_process")
def test_a_full_disk_loses_nothing(garden, home, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.data.imports.spool.write_shard", full)
    assert "What was prepared is kept" in refused(request(garden), "No space left on device")
    assert not (home / "data" / "mine").exists()
    monkeypatch.undo()
    monkeypatch.setenv("PETALBENCH_HOME", str(home))
    monkeypatch.setattr(importer, "process_pool", None)  # nothing is left to prepare
    import_pictures(request(garden))


@pytest.mark.usefixtures("in_process")
def test_a_full_spool_is_one_line(garden, monkeypatch):
    def full(self, prepared: Prepared):
        self._base.execute("PRAGMA max_page_count = 1")
        self._base.execute("INSERT INTO files VALUES (?, 1, 1, ?)", (bytes(100_000), "d"))

    monkeypatch.setattr(spool.Spool, "put", full)
    refused(request(garden), "Cannot write in .*full.*Free some space")


def test_two_at_once(garden, home):
    (home / "imports").mkdir(parents=True)
    with exclusive_lock(home / "imports" / "mine.lock", ""):
        refused(request(garden), "Another import into 'mine' is under way")


def test_a_decoder_that_dies_is_named(garden, monkeypatch):
    monkeypatch.setattr(importer, "prepare_all", _die)
    refused(request(garden), "A process that read pictures died.*'aster/0.png'")


def _die(*_):
    import os

    os._exit(1)


def test_the_command_from_pictures_to_shards(garden, home, call):
    (garden / "rose" / "bad.jpg").write_text("no picture")
    status, _, err = call("data", "import", garden, "mine", "--px", "8")
    assert (status, err.count("\n")) == (2, 1)
    status, out, err = call("data", "import", garden, "mine", "--px", "8", "--skip-unreadable", "--square", "letterbox")
    assert status == 0, err
    assert "mine: 18 pictures of 3 classes (train " in out
    assert "1 files were left out" in out
    assert json.loads((home / "data" / "mine" / "import.json").read_text())["square"] == "letterbox"
    assert [importer.square_of(name) for name in ("mine", "other")] == ["letterbox", "centre"]
    assert scan.scan(find("mine"), [8]).splits["train"].ids
    for words, said in {
        ("--px", "4096"): "more than 2048",
        ("--px", "x"): "--px 'x'",
        ("--square", "center"): "Did you mean 'centre'",
        ("--split", "1,2"): "--split '1,2'",
    }.items():
        status, _, err = call("data", "import", garden, "other", *words)
        assert (status, err.count("\n")) == (2, 1)
        assert said in err


def test_the_parent_imports_no_tensorflow():
    code = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\nimport bench.data.imports.importer\n"
    subprocess.run([sys.executable, "-c", code], check=True)
