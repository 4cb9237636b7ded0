from __future__ import annotations

import os
import shutil

import pytest

from bench.data import fingerprint
from bench.data.source import find
from bench.errors import UserError


@pytest.fixture
def root(empty_folder):
    return empty_folder()


def of(root):
    return find(str(root)).fingerprint(224)


def change(path, content):
    """New content under a new modification time, whatever the resolution of the clock."""
    time_ns = path.stat().st_mtime_ns + 1_000_000
    path.write_bytes(content)
    os.utime(path, ns=(time_ns, time_ns))


def test_it_is_of_the_content_not_of_the_place(root, tmp_path):
    first = of(root)
    shutil.copytree(root, tmp_path / "elsewhere")
    assert of(tmp_path / "elsewhere") == first
    assert len(bytes.fromhex(first)) == 32


def test_every_part_counts(root):
    split = root / "tfrecords-jpeg-224x224"
    found = [of(root)]
    change(split / "val" / "00-0.tfrec", b"x")
    found.append(of(root))
    (split / "val" / "00-0.tfrec").rename(split / "val" / "01-0.tfrec")
    found.append(of(root))
    (root / "classes.txt").write_text("rose")
    found.append(of(root))
    change(root / "classes.txt", b"aste")
    found.append(of(root))
    assert len(set(found)) == 5


def test_splits_are_not_interchangeable(root):
    split = root / "tfrecords-jpeg-224x224"
    change(split / "val" / "00-0.tfrec", b"x")
    one = of(root)
    (split / "val").rename(split / "other")
    (split / "train").rename(split / "val")
    (split / "other").rename(split / "train")
    assert of(root) != one


def test_answers_and_other_resolutions_do_not_count(root, empty_folder):
    one = of(root)
    (root / "answers.csv").write_text("id,label\n")
    empty_folder(512)
    assert of(root) == one


def test_files_are_read_once(root, monkeypatch):
    first = of(root)
    monkeypatch.setattr(fingerprint, "sha256", lambda path: pytest.fail("read again"))
    assert of(root) == first


def test_nothing_is_enlarged(root):
    with pytest.raises(UserError, match="no pictures of 225 px or more"):
        find(str(root)).fingerprint(225)


def test_a_made_resolution_says_what_it_is_made_of(root, empty_folder):
    stored = of(root)
    made = find(str(root)).fingerprint(64)
    assert made == f"{stored}-224-to-64-area"
    empty_folder(64)
    assert find(str(root)).fingerprint(64) != made
    change(root / "tfrecords-jpeg-224x224" / "val" / "00-0.tfrec", b"x")
    assert find(str(root)).fingerprint(65) == f"{of(root)}-224-to-65-area" != made
