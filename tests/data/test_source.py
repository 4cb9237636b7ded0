from __future__ import annotations

import os
import subprocess
import sys

import pytest
from helpers_data import make_data

from bench.data.layout import SPLITS
from bench.data.remote.address import copies_folder
from bench.data.remote.copies import list_remote
from bench.data.source import find, find_data, names
from bench.errors import UserError


def test_a_folder_is_found_with_all_it_holds(empty_folder):
    root = empty_folder(512)
    empty_folder(224, ("train", "val"))
    (root / "classes.txt").write_text("rose\r\nžluť\n\n", encoding="utf-8-sig")
    (root / "answers.csv").write_text("id,label\n")
    source = find(str(root))
    assert source.name == "garden"
    assert source.resolutions == (224, 512)
    assert source.class_names == ("rose", "žluť")
    assert source.answers == root / "answers.csv"
    assert list(source.shards[224]) == ["train", "val"]
    assert [path.name for path in source.shards[512]["test"]] == ["00-0.tfrec"]


def test_shards_are_sorted_and_other_files_passed_over(empty_folder, folder):
    root = empty_folder()
    for name in ("flowers10-5.tfrec", "flowers02-5.tfrec", "notes.txt"):
        (folder.split("val", 224) / name).write_bytes(b"")
    names = [path.name for path in find(str(root)).shards[224]["val"]]
    assert names == ["00-0.tfrec", "flowers02-5.tfrec", "flowers10-5.tfrec"]


def test_a_name_is_looked_up_under_home(empty_folder, home):
    home.joinpath("data").mkdir(parents=True)
    empty_folder().rename(home / "data" / "garden")
    (home / "data" / ".unfinished").mkdir()
    assert names() == ("garden", "sample")
    assert find("garden").root == home / "data" / "garden"


def test_a_relative_folder_is_called_by_its_base_name(empty_folder, monkeypatch):
    monkeypatch.chdir(empty_folder())
    assert find(".").name == "garden"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"Unknown data set 'sampel'. Known: sample. Did you mean 'sample'\?"):
        find("sampel")


def test_a_missing_folder_is_named():
    with pytest.raises(UserError, match=r"No folder '/no/such/place'"):
        find("/no/such/place")


def test_sample_must_have_been_made():
    with pytest.raises(UserError, match="'sample' has not been made yet"):
        find("sample")


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "x.tfrec").write_bytes(b"")
    with pytest.raises(UserError, match="is a file, not a folder"):
        find(str(tmp_path / "x.tfrec"))


@pytest.mark.parametrize("inner", ["tfrecords-jpeg-224x224", "tfrecords-jpeg-224x224/train"])
def test_an_inner_folder_is_answered_with_the_outer(empty_folder, inner):
    root = empty_folder()
    with pytest.raises(UserError, match=f"Pass the folder around it: '{root}'"):
        find(str(root / inner))


def test_a_folder_of_something_else_is_reported_the_form(tmp_path):
    (tmp_path / "tfrecords-jpeg-224x512").mkdir()
    with pytest.raises(UserError, match="holds no folder like tfrecords-jpeg-224x224"):
        find(str(tmp_path))


@pytest.mark.parametrize("missing", ["train", "val"])
def test_train_and_val_must_be_there(empty_folder, missing):
    root = empty_folder(splits=[split for split in SPLITS if split != missing])
    with pytest.raises(UserError, match=f"has no folder '{missing}'"):
        find(str(root))


def test_a_split_without_shards_is_named(empty_folder, folder):
    root = empty_folder()
    (folder.split("test", 224) / "00-0.tfrec").unlink()
    with pytest.raises(UserError, match=r"test' holds no \.tfrec file"):
        find(str(root))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"rose\n\naster\n", "line 2 is empty"),
        (b"rose\naster\nrose\n", "'rose' more than once"),
        (b"ros\xe9\n", r"not UTF-8 text \(byte 3\)"),
    ],
)
def test_class_names_that_cannot_be_used(empty_folder, content, message):
    root = empty_folder()
    (root / "classes.txt").write_bytes(content)
    with pytest.raises(UserError, match=message):
        find(str(root))


def test_a_resolution_that_is_not_there(empty_folder):
    source = find(str(empty_folder(224)))
    with pytest.raises(UserError, match=r"'garden' has no pictures of 512 px or more. It has: 224\."):
        source.stored_px(512)


def test_a_resolution_is_read_from_the_next_larger_one(empty_folder):
    empty_folder(512)
    source = find(str(empty_folder(224)))
    assert [source.stored_px(px) for px in (64, 224, 225, 512)] == [224, 224, 512, 512]
    assert [source.source_px(px) for px in (64, 224, 225, 512)] == [224, None, 512, None]
    assert [source.stored(px, "val").made_px for px in (64, 224, 225, 512)] == [64, None, 225, None]
    assert source.stored(225, "train", "val").paths == (*source.shards[512]["train"], *source.shards[512]["val"])


def test_importing_the_rooms_of_the_parent_loads_no_tensorflow():
    code = (
        "import sys, bench.data.source, bench.data.index, bench.data.sample.dataset;"
        "print([m for m in ('tensorflow', 'keras', 'pandas', 'scipy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert found.stdout.strip() == "[]"


@pytest.fixture
def no_petals(monkeypatch, tmp_path):
    monkeypatch.delenv("PETALS_DIR", raising=False)
    mounts = (tmp_path / "mount", tmp_path / "newer" / "mount")
    monkeypatch.setattr("bench.data.public.petals.MOUNTS", mounts)
    return mounts


@pytest.mark.parametrize("place", ["variable", "home", "mount", "newer mount"])
def test_petals_is_found_where_it_lies(empty_folder, home, no_petals, tmp_path, monkeypatch, place):
    variable = tmp_path / "elsewhere"
    places = dict(
        zip(["variable", "home", "mount", "newer mount"], [variable, home / "data" / "petals", *no_petals], strict=True)
    )
    root = places[place]
    root.parent.mkdir(parents=True, exist_ok=True)
    empty_folder(224).rename(root)
    if place == "variable":
        monkeypatch.setenv("PETALS_DIR", str(variable))
    source = find("petals")
    assert (source.name, source.root) == ("petals", root.resolve())
    assert "petals" in names()
    assert len(source.class_names) == 104
    assert (source.class_names[0], source.class_names[103]) == ("pink primrose", "wild rose")
    assert find(str(root)).name == "petals"


def test_petals_nowhere_names_all_places(home, no_petals):
    with pytest.raises(UserError) as error:
        find("petals")
    for place in (home / "data" / "petals", *no_petals):
        assert f"'{place}'" in str(error.value)
    assert "PETALS_DIR" in str(error.value)


def test_a_variable_that_names_nothing_is_not_passed_over(home, no_petals, monkeypatch, tmp_path):
    no_petals[0].mkdir()
    monkeypatch.setenv("PETALS_DIR", str(tmp_path / "typo"))
    with pytest.raises(UserError, match="typo"):
        find("petals")


def test_an_empty_folder_does_not_hide_petals_on_a_mount(empty_folder, home, no_petals):
    (home / "data" / "petals").mkdir(parents=True)
    assert "petals" not in names()
    with pytest.raises(UserError, match="PETALS_DIR"):
        find("petals")
    empty_folder(224).rename(no_petals[0])
    assert find("petals").root == no_petals[0].resolve()
    assert "petals" in names()


def test_without_a_network_google_storage_is_reported_at_once(monkeypatch):
    monkeypatch.setattr("bench.data.source.answers", lambda host: False)
    monkeypatch.setattr("bench.data.source.ask_counting", lambda *of: pytest.fail("TensorFlow would try for minutes"))
    with pytest.raises(UserError, match=r"www.googleapis.com does not answer; a copy on this machine can: --data PATH"):
        find_data("gs://bucket/flowers")
    copies_folder("gs://bucket/flowers").mkdir(parents=True)
    with pytest.raises(UserError, match=r"remote/flowers-\w+' has what was copied: --data PATH"):
        find_data("gs://bucket/flowers")


def test_other_urls_are_looked_at_whether_google_answers_or_not(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.data.source.answers", lambda host: False)
    monkeypatch.setattr("bench.data.source.ask_counting", lambda job, log: list_remote(job.data))  # what the child does
    root = make_data(tmp_path / "flowers", (32,), counts={"train": 4, "val": 4})
    source = find_data(f"file://{root}")
    assert (source.name, source.resolutions, source.class_names[0]) == ("flowers", (32,), "red")
    assert find_data(str(root)).remote is None
