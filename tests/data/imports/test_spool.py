from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from bench.data.imports.pictures import Prepared
from bench.data.imports.spool import Planned, Spool


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a\n.png"
    path.write_bytes(b"12345")
    return path


def prepared(path, digest="d1"):
    status = os.stat(path)
    return Prepared(str(path), status.st_size, status.st_mtime_ns, digest, {8: b"small", 16: b"large"})


def test_kept_pictures_are_known_again(tmp_path, file):
    with closing(Spool(tmp_path / "s", "1-centre")) as spool:
        spool.put(prepared(file))
        spool.keep()
        spool.put(prepared(file, "d2"))  # and lost: never kept
    with closing(Spool(tmp_path / "s", "1-centre")) as spool:
        assert spool.known(str(file), [8, 16]) == "d1"
        assert spool.known(str(file), [8, 32]) is None
        assert spool.jpeg("d1", 16) == b"large"
    with closing(Spool(tmp_path / "s", "1-letterbox")) as spool:
        assert spool.known(str(file), [8]) is None


def test_a_file_that_changed_is_not_known(tmp_path, file):
    with closing(Spool(tmp_path / "s", "1")) as spool:
        spool.put(prepared(file))
        file.write_bytes(b"123456")
        assert spool.known(str(file), [8]) is None


def test_a_plan_replaces_the_one_before(tmp_path):
    with closing(Spool(tmp_path / "s", "1")) as spool:
        spool.plan([Planned("train", "z", 0, "d"), Planned("val", "y", 1, "e")])
        spool.plan([Planned("train", "b", 1, "d"), Planned("train", "a", 0, "e")])
        assert [row.id for row in spool.planned("train")] == ["a", "b"]
        assert spool.planned("val") == []


def test_a_full_disk_is_sqlites_error(tmp_path, file):
    with closing(Spool(tmp_path / "s", "1")) as spool:
        spool._base.execute("PRAGMA max_page_count = 20")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            spool.put(Prepared(str(file), 1, 1, "d", {8: bytes(200_000)}))
