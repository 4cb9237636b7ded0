import hashlib

import pytest

from bench.files import csv_text, path_safe, sha256, size_of, write_atomic, write_json, write_text


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "old ü")

    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, fail)
    assert path.read_bytes() == "old ü".encode()
    assert list(path.parent.iterdir()) == [path]


def test_json_refuses_numbers_that_json_lacks(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "x.json", {"loss": float("nan")})
    write_json(tmp_path / "x.json", {"a": [1]})
    assert (tmp_path / "x.json").read_text() == '{\n "a": [\n  1\n ]\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_digest_and_size(tmp_path):
    write_text(tmp_path / "a", "four")
    write_text(tmp_path / "b" / "c", "sixsix")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"four").hexdigest()
    assert (size_of(tmp_path / "a"), size_of(tmp_path)) == (4, 10)
    assert size_of(tmp_path / "vanished") == 0


@pytest.mark.parametrize(
    ("name", "part"), [("vgg16", "vgg16"), ("hub:/home/me/net", "hub-net"), ("a b/c", "a-b-c"), ("x:y z", "x-y-z")]
)
def test_names_that_can_stand_in_a_path(name, part):
    assert path_safe(name) == part


def test_csv_is_quoted_where_needed():
    assert csv_text([("id", "label"), ('a"b', 1), ("c,d", "e\nf")]) == 'id,label\n"a""b",1\n"c,d","e\nf"\n'
