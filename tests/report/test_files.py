from __future__ import annotations

import pytest

from bench.report.files import write, write_text


def test_text_has_unix_line_ends(tmp_path):
    write_text(tmp_path / "new" / "a.md", "é\n")
    assert (tmp_path / "new" / "a.md").read_bytes() == b"\xc3\xa9\n"


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def broken(temporary):
        temporary.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write(path, broken)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
