import hashlib
import os

import backbones.weights_file as module
from backbones.weights_file import WeightsFile


def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    path = tmp_path / "net.h5"
    path.write_bytes(b"right")
    file = WeightsFile("net.h5", hashlib.md5(b"right").hexdigest(), "")
    read = []
    digest = hashlib.file_digest
    monkeypatch.setattr(module.hashlib, "file_digest", lambda *given: read.append(given) or digest(*given))
    assert [file.is_at(path), file.is_at(path)] == [True, True]
    assert len(read) == 1
    path.write_bytes(b"wrong")  # as long as before
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert not file.is_at(path)
    assert len(read) == 2
