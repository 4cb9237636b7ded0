"""Which files are classified."""

import os
import sys

import pytest

from bench.errors import UserError
from bench.predictions.predict.pictures import pictures


def test_files_in_the_order_given_and_folders_by_name(tmp_path):
    for name in ("b.jpg", "folder/z.png", "folder/a/y.webp", "folder/.hidden.png", "folder/Thumbs.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = pictures([tmp_path / "folder", tmp_path / "b.jpg", tmp_path / "folder" / "z.png"])
    assert [os.path.relpath(name, tmp_path) for name in found] == ["folder/a/y.webp", "folder/z.png", "b.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_cannot_be_told(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    with pytest.raises(UserError, match="is not UTF-8"):
        pictures([tmp_path])
