from __future__ import annotations

import os
import shutil
from collections import namedtuple

import pytest
from tensorflow.io import gfile

from bench.data.remote import copies as copying
from bench.data.remote.contents import look
from bench.data.remote.copies import open_local
from bench.data.scan import scan
from bench.errors import UserError


@pytest.fixture
def url(folder):
    found = f"file://{folder.write().write(16).root}"
    look(found)
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
    for name, age in {"old": 2 * copying._STALE_SECONDS, "new": 0}.items():
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


def test_a_disk_without_room_is_told_before(url, copied, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(copying.shutil, "disk_usage", lambda path: usage(9, 9, 1000))
    with pytest.raises(UserError, match=f"'{url}' has to be copied to .* 0.0 GiB are free. Make room, or set PETAL"):
        open_local(url)
    assert copied == []
