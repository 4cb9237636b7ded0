from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.data.imports.inventory import find_pictures
from bench.errors import UserError


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def refused(source: Path, message: str):
    with pytest.raises(UserError, match=message) as caught:
        find_pictures(source)
    assert "\n" not in str(caught.value)


def rows(inventory):
    return [(inventory.display_path(found.path), found.label, found.split) for found in inventory.pictures]


def test_class_folders_beside_other_files(tmp_path):
    make(tmp_path, "b/2.jpg", "b/deep/1.jpg", "a/x.png", "a/.DS_Store", "a/Thumbs.db", "LICENSE.txt", ".git/config")
    found = find_pictures(tmp_path)
    assert rows(found) == [("a/x.png", "a", None), ("b/2.jpg", "b", None), ("b/deep/1.jpg", "b", None)]
    assert found.class_names == ("a", "b")
    assert found.faults == []


def test_numbers_are_classes_in_their_order(tmp_path):
    assert find_pictures(make(tmp_path, "10/a", "9/a", "0/a")).class_names == ("0", "9", "10")


def test_folders_of_splits_are_kept(tmp_path):
    make(tmp_path, "train/a/1", "train/b/2", "valid/a/3", "test/b/4")
    assert rows(find_pictures(tmp_path)) == [
        ("test/b/4", "b", "test"),
        ("train/a/1", "a", "train"),
        ("train/b/2", "b", "train"),
        ("valid/a/3", "a", "val"),
    ]


def test_a_class_may_be_called_test(tmp_path):
    assert find_pictures(make(tmp_path, "test/1", "trial/2")).class_names == ("test", "trial")


def test_folders_of_no_use(tmp_path):
    refused(tmp_path / "none", "No folder or CSV file")
    refused(Path("gs://bucket/pictures"), "Pictures at a URL must be copied here first")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "holds no class folder")
    (make(tmp_path / "one", "a/1.jpg") / "b").mkdir()
    refused(tmp_path / "one", "Class folders without a picture: 'b'")
    refused(make(tmp_path / "loose", "a/1.jpg", "2.JPG"), "beside the class folders .* '2.JPG'")
    refused(make(tmp_path / "noval", "train/a/1", "test/a/2"), "gives no picture to val")


def test_links_are_followed_to_files_inside_only(tmp_path):
    root = make(tmp_path / "root", "a/1.jpg", "b/1.jpg")
    make(tmp_path, "outside/secret.jpg")
    (root / "a" / "in.jpg").symlink_to(root / "b" / "1.jpg")
    (root / "a" / "out.jpg").symlink_to(tmp_path / "outside" / "secret.jpg")
    (root / "a" / "up").symlink_to(root, target_is_directory=True)
    (root / "a" / "gone.jpg").symlink_to(root / "none.jpg")
    (root / "linked").symlink_to(tmp_path / "outside", target_is_directory=True)
    found = find_pictures(root)
    assert [row[0] for row in rows(found)] == ["a/1.jpg", "a/in.jpg", "b/1.jpg"]
    assert {found.display_path(fault.path): fault.reason for fault in found.faults} == {
        "a/out.jpg": "a link out of the folder",
        "a/up": "a link to a folder or to nothing",
        "a/gone.jpg": "a link to a folder or to nothing",
        "linked": "a link to a folder or to nothing",
    }


def test_names_with_newlines_quotes_and_markup(tmp_path):
    found = find_pictures(make(tmp_path, 'two\nlines "|*/a\n.jpg', "plain/b.jpg"))
    assert found.class_names == ("plain", 'two lines "|*')
    assert rows(found)[1][0] == 'two\\nlines "|*/a\\n.jpg'
    refused(make(tmp_path, "two lines/a", "two\tlines/a"), "are both 'two lines' on one line")


def test_names_that_are_not_utf8(tmp_path):
    os.makedirs(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9/\xff.jpg")).write_bytes(b"x")
    found = find_pictures(tmp_path)
    assert found.class_names == (r"caf\xe9",)
    assert rows(found)[0][0] == r"caf\xe9/\xff.jpg"


def test_one_letter_written_in_two_ways_is_one_class_name(tmp_path):
    refused(make(tmp_path, "caf\u00e9/a", "cafe\u0301/b"), "are both 'caf\u00e9'")


def table(tmp_path: Path, text: str) -> Path:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    return tmp_path / "t.csv"


def test_a_csv(tmp_path):
    make(tmp_path, "pics/a.jpg", "b.jpg", "c.jpg")
    text = (
        f'\ufeffpath, label ,split,more\npics/a.jpg,"r,ose",train,x\nb.jpg,aster,Validation,\n{tmp_path}/c.jpg,,test,\n'
    )
    found = find_pictures(table(tmp_path, text))
    assert rows(found) == [("pics/a.jpg", "r,ose", "train"), ("b.jpg", "aster", "val"), ("c.jpg", None, "test")]
    assert found.class_names == ("aster", "r,ose")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with the line path,label"),
        ("file,label\na,b\n", "must begin with the line path,label"),
        ("path,label\n", "holds no picture"),
        ("path,label\na.jpg,\n", "line 2 has no label"),
        ("path,label\n,rose\n", "line 2 has no path"),
        ("path,label\na.jpg,rose\n./a.jpg,rose\na.jpg,lily\n", "names 'a.jpg' more than once"),
        ("path,label,split\na.jpg,rose,training\n", "split 'training'. Known: train, val, test"),
        ("path,label,split\na.jpg,rose,train\nb.jpg,rose,\n", "gives 1 pictures no split"),
        ("path,label,split\na.jpg,rose,train\nb.jpg,rose,test\n", "gives no picture to val"),
        ('path,label\n"a.jpg,rose\n', "is not a CSV file in UTF-8"),
        (
            "path,label,split\na.jpg,r,train\nb.jpg,r,val\nc.jpg,r,test\nd.jpg,,test\n",
            "1 of 2 test pictures have no label",
        ),
    ],
)
def test_a_csv_of_no_use(tmp_path, text, message):
    make(tmp_path, "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    refused(table(tmp_path, text), message)


def test_a_csv_that_is_no_text(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"path,label\n\xff\xfe,x\n")
    refused(tmp_path / "t.csv", "is not a CSV file in UTF-8")


def test_files_that_a_csv_names_and_that_are_not_there(tmp_path):
    make(tmp_path, "a.jpg")
    found = find_pictures(table(tmp_path, "path,label\na.jpg,rose\ngone.jpg,rose\n"))
    assert [row[0] for row in rows(found)] == ["a.jpg"]
    assert [(found.display_path(fault.path), fault.reason) for fault in found.faults] == [("gone.jpg", "no such file")]
