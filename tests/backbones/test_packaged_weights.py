from __future__ import annotations

import hashlib
import sys

import pytest

from backbones.packaged_weights import PackagedWeights


@pytest.fixture
def file():
    digest = hashlib.md5(b"weights").hexdigest()
    return PackagedWeights(
        name="w.pth", digest=digest, url="", module="packaged_for_a_test", package="a-test", extra="lite"
    )


def install(folder, content):
    """A package that must not be imported, and its file."""
    (folder / "packaged_for_a_test" / "models").mkdir(parents=True)
    (folder / "packaged_for_a_test" / "__init__.py").write_text("raise RuntimeError('was imported')")
    (folder / "packaged_for_a_test" / "models" / "w.pth").write_bytes(content)


def test_the_file_is_found_in_the_package_which_is_not_imported(file, tmp_path, monkeypatch):
    install(tmp_path, b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    assert file.place(tmp_path) == tmp_path / "packaged_for_a_test" / "models" / "w.pth"
    assert file.is_at(file.place(tmp_path))
    assert "packaged_for_a_test" not in sys.modules


def test_another_file_in_the_package_is_not_the_one(file, tmp_path, monkeypatch):
    install(tmp_path, b"others")
    monkeypatch.syspath_prepend(tmp_path)
    assert not file.is_at(file.place(tmp_path))


def test_it_is_not_for_download_and_the_remedy_is_the_extra(file, tmp_path):
    assert file.host == ""
    assert not file.is_at(file.place(tmp_path))
    assert file.remedy(tmp_path).endswith("pip install 'petalbench[lite]' (a-test)")
