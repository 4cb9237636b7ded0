import hashlib
import os
import sys

import pytest

import backbones.weights_file as module
from backbones.weights_file import PackagedWeights, WeightsFile


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


@pytest.fixture
def packaged():
    digest = hashlib.md5(b"weights").hexdigest()
    return PackagedWeights(
        name="w.pth", digest=digest, url="", module="packaged_for_a_test", package="a-test", extra="lite"
    )


def install(folder, content):
    """A package that must not be imported, and its file."""
    (folder / "packaged_for_a_test" / "models").mkdir(parents=True)
    (folder / "packaged_for_a_test" / "__init__.py").write_text("raise RuntimeError('was imported')")
    (folder / "packaged_for_a_test" / "models" / "w.pth").write_bytes(content)


def test_the_file_is_found_in_the_package_which_is_not_imported(packaged, tmp_path, monkeypatch):
    install(tmp_path, b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    assert packaged.place(tmp_path) == tmp_path / "packaged_for_a_test" / "models" / "w.pth"
    assert packaged.is_at(packaged.place(tmp_path))
    assert "packaged_for_a_test" not in sys.modules


def test_another_file_in_the_package_is_not_the_one(packaged, tmp_path, monkeypatch):
    install(tmp_path, b"others")
    monkeypatch.syspath_prepend(tmp_path)
    assert not packaged.is_at(packaged.place(tmp_path))


def test_it_is_not_for_download_and_the_remedy_is_the_extra(packaged, tmp_path):
    assert packaged.host == ""
    assert not packaged.is_at(packaged.place(tmp_path))
    assert packaged.remedy(tmp_path).endswith("pip install 'petalbench[lite]' (a-test)")
