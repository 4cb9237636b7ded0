from __future__ import annotations

import os
import shutil
from collections import namedtuple

import pytest
from tensorflow.io import gfile

from bench.data.remote import copies
from bench.data.remote.address import RemoteFolder, copies_folder
from bench.data.remote.copies import list_remote, open_local
from bench.data.scan import scan
from bench.data.source import find
from bench.errors import UserError


@pytest.fixture
def url(folder):
    found = f"file://{folder.write().write(16).root}"
    list_remote(found)
    return found


@pytest.fixture
def copied(monkeypatch):
    """Names of the shards that are copied from now on."""
    names, copy = [], gfile.copy
    monkeypatch.setattr(gfile, "copy", lambda one, *other, **more: names.append(one[-23:]) or copy(one, *other, **more))
    return names


def test_a_folder_here_is_only_found(folder, copied):
    assert open_local(str(folder.write().root)).remote is None
    assert copied == []


def test_shards_of_the_resolutions_that_are_read_are_copied_once(url, folder, copied):
    heard = []
    source = open_local(url, (7,), lambda done, of: heard.append((done, of)))
    assert len(copied) == len(heard) == 4
    for path in source.stored(8, "train", "val", "test").paths:
        assert path.read_bytes() == (folder.root / path.relative_to(source.root)).read_bytes()
    assert not list((source.root / "tfrecords-jpeg-16x16").glob("*"))
    scan(source, (8,))
    open_local(url, (8, 7))
    assert len(copied) == 4
    open_local(url)
    assert len(copied) == 8
    assert list((source.root / ".unfinished").iterdir()) == []


def test_what_is_not_whole_is_copied_again_and_what_others_left_goes(url, copied):
    source = open_local(url, (8,))
    shard = source.stored(8, "val").paths[0]
    shard.write_bytes(b"half")
    for name, age in {"old": 2 * copies._STALE_SECONDS, "new": 0}.items():
        left = source.root / ".unfinished" / name
        left.write_bytes(b"")
        os.utime(left, (left.stat().st_mtime - age,) * 2)
    open_local(url, (8,))
    assert len(copied) == 5
    assert shard.stat().st_size > 4
    assert [left.name for left in (source.root / ".unfinished").iterdir()] == ["new"]


def test_what_changes_or_goes_while_it_is_copied(url, folder):
    shard = folder.split("val") / "00-8x8-2.tfrec"
    shard.write_bytes(b"another")
    with pytest.raises(UserError, match=r"val/00-8x8-2.tfrec' changed while it was copied"):
        open_local(url, (8,))
    shutil.rmtree(folder.root)
    with pytest.raises(UserError, match=f"There is no '{url}'"):
        open_local(url, (16,))


def test_a_disk_without_room_is_reported_before(url, copied, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(copies.shutil, "disk_usage", lambda path: usage(9, 9, 1000))
    with pytest.raises(UserError, match=f"'{url}' has to be copied to .* 0.0 GiB are free. Make room, or set PETAL"):
        open_local(url)
    assert copied == []


def test_what_lies_there_is_listed_with_class_names_and_answers(folder):
    root = folder.write().root
    (root / "classes.txt").write_text("rose\naster\nlily\n")
    (root / "answers.csv").write_text("id,label\nh,1\ni,2\n")
    (root / "notes.txt").write_text("of no use")
    url = f"file://{root}"
    list_remote(f"{url}/")
    here, there = find(str(root)), find(url)
    assert there.class_names == here.class_names
    assert there.answers.read_text() == here.answers.read_text()
    shards = {path.relative_to(root).as_posix(): path.stat().st_size for path in root.rglob("*.tfrec")}
    assert RemoteFolder.load(url).sizes == {**shards, "classes.txt": 16, "answers.csv": 17}
    assert [path.name for path in there.stored(8, "train").paths] == ["00-8x8-3.tfrec", "01-8x8-2.tfrec"]
    assert not list(copies_folder(url).rglob("*.tfrec"))  # listed, not fetched


def test_a_later_look_sees_what_changed(folder):
    url = f"file://{folder.write().root}"
    (folder.root / "classes.txt").write_text("rose\naster\nlily\n")
    list_remote(url)
    before = find(url).fingerprint(8)
    (folder.root / "classes.txt").unlink()
    shutil.rmtree(folder.split("test"))
    list_remote(url)
    after = find(url)
    assert after.class_names is None
    assert list(after.shards[8]) == ["train", "val"]
    assert after.fingerprint(8) != before


def test_wrong_places(folder, tmp_path):
    folder.write()
    (tmp_path / "empty").mkdir()
    for url, said in {
        f"file://{tmp_path}/nowhere": "There is no 'file://.*nowhere'",
        f"file://{tmp_path}/empty": "holds no folder like tfrecords-jpeg-224x224",
        f"file://{folder.root}/tfrecords-jpeg-8x8": f"Pass the folder around it: 'file://{folder.root}'",
        f"file://{next(folder.split('val').iterdir())}": "is a file, not a folder",
        "s3://bucket/x": "no file system 's3://'",
        "gs://": "names no folder",
    }.items():
        with pytest.raises(UserError, match=said) as caught:
            list_remote(url)
        assert "\n" not in str(caught.value)


def test_a_home_that_cannot_be_written(folder, home):
    home.write_text("")
    with pytest.raises(UserError, match="set PETALBENCH_HOME"):
        list_remote(f"file://{folder.write().root}")
