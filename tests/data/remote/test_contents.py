from __future__ import annotations

import shutil

import pytest

from bench.data import source as catalog
from bench.data.remote.address import load, place
from bench.data.remote.contents import look
from bench.errors import UserError


def test_what_lies_there_is_listed_with_class_names_and_answers(folder):
    root = folder.write().root
    (root / "classes.txt").write_text("rose\naster\nlily\n")
    (root / "answers.csv").write_text("id,label\nh,1\ni,2\n")
    (root / "notes.txt").write_text("of no use")
    url = f"file://{root}"
    look(f"{url}/")
    here, there = catalog.find(str(root)), catalog.find(url)
    assert there.class_names == here.class_names
    assert there.answers.read_text() == here.answers.read_text()
    shards = {path.relative_to(root).as_posix(): path.stat().st_size for path in root.rglob("*.tfrec")}
    assert load(url).sizes == {**shards, "classes.txt": 16, "answers.csv": 17}
    assert [path.name for path in there.stored(8, "train").paths] == ["00-8x8-3.tfrec", "01-8x8-2.tfrec"]
    assert not list(place(url).rglob("*.tfrec"))  # listed, not fetched


def test_a_later_look_sees_what_changed(folder):
    url = f"file://{folder.write().root}"
    (folder.root / "classes.txt").write_text("rose\naster\nlily\n")
    look(url)
    before = catalog.find(url).fingerprint(8)
    (folder.root / "classes.txt").unlink()
    shutil.rmtree(folder.split("test"))
    look(url)
    after = catalog.find(url)
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
            look(url)
        assert "\n" not in str(caught.value)


def test_a_home_that_cannot_be_written(folder, home):
    home.write_text("")
    with pytest.raises(UserError, match="set PETALBENCH_HOME"):
        look(f"file://{folder.write().root}")
