from __future__ import annotations

import pytest

from bench.data import layout
from bench.errors import UserError


def test_names_and_folders_give_the_same(folder, empty_folder):
    empty_folder(8, ("train", "val"))
    (folder.split("val", 8) / "flowers02-5.tfrec").write_bytes(b"")
    root = empty_folder(16)
    names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    others = ["classes.txt", "tfrecords-jpeg-8x8/val/notes.txt", "tfrecords-jpeg-8x9/val/00.tfrec", "a/b/c/d.tfrec"]
    found = layout.of_names([*reversed(names), *others])
    assert found == layout.in_folder(root)
    assert found[8] == {"train": ("00-0.tfrec",), "val": ("00-0.tfrec", "flowers02-5.tfrec")}
    layout.check(found, "here")


@pytest.mark.parametrize(
    ("names", "where", "said"),
    [
        ([], "gs://bucket/x", "'gs://bucket/x' holds no folder like tfrecords-jpeg-224x224"),
        ([], "gs://b/flowers/tfrecords-jpeg-224x224/val", "Pass the folder around it: 'gs://b/flowers'"),
        ([], "gs://b/flowers/tfrecords-jpeg-224x224", "Pass the folder around it: 'gs://b/flowers'"),
        (["tfrecords-jpeg-8x8/train/0.tfrec"], "gs://b", "'gs://b/tfrecords-jpeg-8x8' has no folder 'val'"),
    ],
)
def test_folders_that_are_no_data_sets(names, where, said):
    with pytest.raises(UserError, match=said):
        layout.check(layout.of_names(names), where)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("rose", "rose"),
        ("a\nb\t c", "a b c"),
        ("x\u2028y\x85z", "x y z"),
        ("caf\udce9", r"caf\xe9"),
        ("e\u0301", "\u00e9"),
        ("\n", ""),
        ("百合", "百合"),
    ],
)
def test_class_names_are_one_composed_line(name, line):
    assert layout.class_name(name) == line
