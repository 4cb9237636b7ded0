from __future__ import annotations

import pytest

from bench.data.remote.address import RemoteFolder, copies_folder, folder_url, is_remote, scheme
from bench.data.source import find, names, url_of
from bench.errors import UserError

SIZES = {f"tfrecords-jpeg-8x8/{split}/00-5.tfrec": 100 for split in ("train", "val")}


def test_urls():
    for url in ("gs://bucket", "s3://bucket/x", "file:///folder", "ram://x"):
        assert is_remote(url)
    for text in ("sample", "/folder", "C:/folder", "a:b", "://x", "g://x"):
        assert not is_remote(text)
    assert scheme("GS://bucket/x") == "gs"
    assert folder_url("gs://bucket/x//") == "gs://bucket/x"
    assert copies_folder("gs://bucket/x/") == copies_folder("gs://bucket/x") != copies_folder("gs://other/x")
    with pytest.raises(UserError, match="'gs://' names no folder"):
        folder_url("gs://")


def test_a_folder_elsewhere_is_found_as_it_was_looked_at():
    with pytest.raises(UserError, match="has not been listed yet"):
        find("gs://bucket/garden")
    RemoteFolder("gs://bucket/garden", {**SIZES, "answers.csv": 9}).save()
    source = find("gs://bucket/garden/")
    assert source.name == "garden"
    assert source.resolutions == (8,)
    assert source.remote == RemoteFolder.load("gs://bucket/garden")
    assert source.stored(8, "val").paths == (source.root / "tfrecords-jpeg-8x8/val/00-5.tfrec",)
    assert (source.classes, source.answers) == (None, source.root / "answers.csv")


def test_petals_may_lie_elsewhere_and_keep_their_class_names(monkeypatch):
    RemoteFolder("gs://bucket/tpu", SIZES).save()
    assert find("gs://bucket/tpu").name == "tpu"
    monkeypatch.setenv("PETALS_DIR", "gs://bucket/tpu/")
    assert names() == ("petals", "sample")
    for named in ("petals", "gs://bucket/tpu"):
        source = find(named)
        assert (source.name, len(source.class_names)) == ("petals", 104)
    assert url_of("petals") == "gs://bucket/tpu"
    assert url_of("sample") is None


def test_its_fingerprint_is_of_names_and_sizes_and_class_names():
    def of(sizes, classes=None, url="gs://bucket/garden"):
        if classes:
            sizes = {**sizes, "classes.txt": len(classes)}
            copies_folder(url).mkdir(parents=True, exist_ok=True)
            (copies_folder(url) / "classes.txt").write_text(classes)
        RemoteFolder(url, sizes).save()
        return find(url).fingerprint(8)

    first = of(SIZES)
    assert len(bytes.fromhex(first)) == 32
    assert of(SIZES, url="file:///elsewhere") == first
    larger = {**SIZES, "tfrecords-jpeg-8x8/val/00-5.tfrec": 101}
    moved = {"tfrecords-jpeg-8x8/train/00-5.tfrec": 100, "tfrecords-jpeg-8x8/val/01-5.tfrec": 100}
    others = [of(larger), of(moved), of(SIZES, "rose\n"), of(SIZES, "lily\n")]
    assert len({first, *others}) == 5
    assert of({**SIZES, "answers.csv": 5}) == first
