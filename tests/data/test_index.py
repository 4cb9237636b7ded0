from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data import index
from bench.data.index import DataIndex, SplitIndex
from bench.data.source import find
from bench.errors import UserError
from bench.jobs import process

FAKE = Path(__file__).parent.parent / "fake_worker.py"


def example(source, test_labels=None):
    splits = {
        "train": SplitIndex(("a", 'quote " and ü'), np.array([0, 1])),
        "val": SplitIndex(("c",), np.array([1])),
        "test": SplitIndex(("d",), np.array([-1])),
    }
    prints = {224: source.fingerprint(224)}
    return DataIndex(source.name, ("rose", "aster"), prints, splits, test_labels, val_duplicates=3, test_duplicates=5)


def assert_equal(one, other):
    assert (one.name, one.class_names, one.fingerprints) == (other.name, other.class_names, other.fingerprints)
    assert {split: part.ids for split, part in one.splits.items()} == {
        split: part.ids for split, part in other.splits.items()
    }
    for split, part in one.splits.items():
        np.testing.assert_array_equal(part.labels, other.splits[split].labels)
        assert other.splits[split].labels.dtype == np.int64
    assert one.duplicates == other.duplicates == {"val_duplicates": 3, "test_duplicates": 5}
    np.testing.assert_array_equal(one.test_labels, other.test_labels)


@pytest.mark.parametrize("test_labels", [None, np.array([1])])
def test_saved_and_loaded_it_is_the_same(empty_folder, test_labels):
    source = find(str(empty_folder()))
    made = example(source, test_labels)
    assert index.load_cached(source, [224]) is None
    index.save(source, made)
    assert_equal(index.load_cached(source, [224]), made)


def test_other_content_resolutions_or_answers_are_another_index(empty_folder, folder):
    root = empty_folder()
    index.save(find(str(root)), example(find(str(root))))
    empty_folder(512)
    assert index.load_cached(find(str(root)), [224, 512]) is None
    assert index.load_cached(find(str(root)), [224]) is not None
    (root / "answers.csv").write_text("id,label\nd,1\n")
    assert index.load_cached(find(str(root)), [224]) is None
    (root / "answers.csv").unlink()
    (folder.split("val", 224) / "01-0.tfrec").write_bytes(b"")
    assert index.load_cached(find(str(root)), [224]) is None


def test_a_spoilt_cache_is_an_empty_one(empty_folder, home):
    source = find(str(empty_folder()))
    index.save(source, example(source))
    for path in (home / "cache" / "index").iterdir():
        path.write_text('{"name": 1')
    assert index.load_cached(source, [224]) is None


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("crash", r"^Checking the data set failed \(exit status 7\)\. The log is '.*prepare.log'\.$"),
        ("mistake", r"^picture 'x' does not decode\.$"),
    ],
)
def test_a_check_that_fails_is_one_line(tmp_path, monkeypatch, script, line):
    monkeypatch.setattr(process, "WORKER", (str(FAKE),))
    (tmp_path / "script.txt").write_text(script)
    with pytest.raises(UserError, match=line):
        index.checked_index("sample", None, (32,), tmp_path / ".partial" / "prepare.log", lambda progress: None)
