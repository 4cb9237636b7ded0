"""A stand-in with the interface and the failures of tensorflow-datasets; the real library if it is installed."""

from __future__ import annotations

import csv
import hashlib
import io
import socket
import sys
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import requests

from bench.data.public import tfds
from bench.data.public.sources import PUBLIC, TABLE, Fetched
from bench.data.public.tfds import write_pictures
from bench.errors import UserError
from bench.jobs.messages import PublicJob

FEW = {"tf_flowers": {"train": 4}, "oxford_flowers102": {"train": 2, "validation": 2, "test": 3}}
CLASSES = {"tf_flowers": ["dandelion", "daisy"], "oxford_flowers102": ["pink primrose", "colt's foot"]}


class DownloadError(Exception):
    """As in tensorflow_datasets.core.download.util."""

    __module__ = "tensorflow_datasets.core.download.util"


@dataclass
class Builder:
    """The used part of what `tfds.builder` returns."""

    name: str
    data_dir: str
    failure: Exception | None
    prepared: list[str]

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir) / self.name / "1.2.3"

    @property
    def url_infos(self):
        return {PUBLIC[self.name].url: SimpleNamespace(size=3 * 2**20)}

    @property
    def info(self):
        label = SimpleNamespace(names=CLASSES[self.name])
        return SimpleNamespace(full_name=f"{self.name}/1.2.3", features={"label": label})

    def download_and_prepare(self, *, download_dir: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.prepared.append(download_dir)
        self.data_path.mkdir(parents=True)

    def as_dataset(self, *, split, decoders, shuffle_files):
        assert self.data_path.exists()
        assert (decoders, shuffle_files) == ({"image": "undecoded"}, False)
        found = [
            {"image": f"{split} {number}".encode(), "label": number % 2} for number in range(FEW[self.name][split])
        ]
        return SimpleNamespace(as_numpy_iterator=lambda: iter(found))


@pytest.fixture
def few(monkeypatch):
    for name, counts in FEW.items():
        monkeypatch.setitem(PUBLIC, name, replace(PUBLIC[name], counts=counts))


@pytest.fixture
def library(few, monkeypatch, tmp_path):
    """The stand-in, in place of tensorflow_datasets. Its network is there."""
    module = ModuleType("tensorflow_datasets")
    module.failure, module.prepared = None, []
    module.decode = SimpleNamespace(SkipDecoding=lambda: "undecoded")
    module.builder = lambda name, data_dir=None: Builder(
        name, data_dir or str(tmp_path / "theirs"), module.failure, module.prepared
    )
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", module)
    monkeypatch.setattr(requests, "head", lambda url, **options: None)
    return module


@pytest.fixture
def write(tmp_path):
    def run(name, tell=lambda *where: None):
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        write_pictures(PublicJob(name=name, folder=str(folder)), tell)
        with (folder / TABLE).open(newline="") as file:
            return folder, list(csv.DictReader(file))

    return run


def test_pictures_and_their_table(library, write):
    told = []
    folder, rows = write("tf_flowers", lambda *where: told.append(where))
    assert [(folder / row["path"]).read_bytes() for row in rows] == [f"train {number}".encode() for number in range(4)]
    assert [row["label"] for row in rows] == ["dandelion", "daisy"] * 2
    assert {row["split"] for row in rows} == {""}
    assert Fetched.load(folder) == Fetched(("dandelion", "daisy"), "tensorflow-datasets tf_flowers/1.2.3")
    assert library.prepared == [str(folder / "downloads")]
    assert told[-1] == ("writing pictures", 1, 4)


def test_published_splits_are_kept(library, write):
    folder, rows = write("oxford_flowers102")
    assert [row["split"] for row in rows] == ["train"] * 2 + ["val"] * 2 + ["test"] * 3
    assert Path(folder / rows[2]["path"]).read_bytes() == b"validation 0"
    assert {row["label"] for row in rows} == {"pink primrose", "colt's foot"}


def test_a_copy_of_the_users_is_used(library, write, tmp_path):
    (tmp_path / "theirs" / "tf_flowers" / "1.2.3").mkdir(parents=True)
    write("tf_flowers")
    assert library.prepared == []


def test_halves_of_an_interrupted_one_are_removed(library, write, tmp_path):
    half = tmp_path / "work" / "downloads" / "tf_flowers" / "flower_photos.tgz.tmp.0123"
    half.mkdir(parents=True)
    (half / "flower_photos.tgz").write_bytes(b"half")
    write("tf_flowers")
    assert not half.exists()


def test_no_network_is_reported_at_once(library, write, monkeypatch, tmp_path):
    def head(url, **options):
        raise requests.ConnectionError("no name")

    monkeypatch.setattr(requests, "head", head)
    with pytest.raises(UserError, match=r"connection to http://.*flower_photos\.tgz failed.*manual/flower_photos\.tgz"):
        write("tf_flowers")
    (tmp_path / "work" / "downloads" / "manual").mkdir(parents=True)
    (tmp_path / "work" / "downloads" / "manual" / "flower_photos.tgz").write_bytes(b"")
    assert len(write("tf_flowers")[1]) == 4  # nothing is asked of the network


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ModuleNotFoundError("No module named 'importlib_resources'"), r"petalbench\[tfds\].*importlib_resources"),
        (requests.exceptions.ChunkedEncodingError("cut"), r"failed \(ChunkedEncodingError\)"),
        (
            DownloadError("Failed to get url u.\nHTTP code: 404."),
            "stopped at tf_flowers: Failed to get url u. HTTP code",
        ),
        (OSError("Not enough disk space. Needed: 1 GiB"), "Cannot write in '.*work': Not enough disk space"),
        (OSError(28, "No space left on device"), "Cannot write in '.*work': No space left"),
    ],
)
def test_failures(library, write, tmp_path, failure, said):
    library.failure = failure
    with pytest.raises(UserError, match=said):
        write("tf_flowers")
    assert Fetched.load(tmp_path / "work") is None


def test_a_fault_of_ours_stays_one(library, write):
    library.failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        write("tf_flowers")


def test_another_number_of_pictures(library, write, monkeypatch):
    monkeypatch.setitem(FEW, "tf_flowers", {"train": 3})
    with pytest.raises(UserError, match="has 3 pictures in its split 'train', expected are 4"):
        write("tf_flowers")


def test_without_tensorflow_datasets(few, write, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(UserError, match=r"pip install 'petalbench\[tfds\]'"):
        write("tf_flowers")


def test_what_has_come_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(tfds, "_TICK_SECONDS", 0.01)
    (tmp_path / "downloads" / "x.tmp").mkdir(parents=True)
    (tmp_path / "downloads" / "x.tmp" / "part").write_bytes(bytes(2 * 2**20))
    told = set()
    with tfds._size_reported(tmp_path, 3 * 2**20, lambda *where: told.add(where)):
        while not told:
            pass
    assert told == {("downloading and preparing, MiB", 2, 3)}


@pytest.fixture
def real(few, monkeypatch, tmp_path):
    """The library itself, with data sets of its own builders that are published on this machine."""
    library = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "theirs"))
    manual = tmp_path / "work" / "downloads" / "manual"
    manual.mkdir(parents=True)

    def publish(name, contents):
        infos = library.builder_cls(name).url_infos
        for url, info in list(infos.items()):
            content = contents[url.rsplit("/", 1)[-1]]
            (manual / info.filename).write_bytes(content)
            known = replace(info, size=len(content), checksum=hashlib.sha256(content).hexdigest())
            monkeypatch.setitem(infos, url, known)

    return publish


def archive(pictures, compression="gz"):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{compression}") as tar:
        for path, content in pictures.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def jpeg(blocks):
    def make(number):
        file = io.BytesIO()
        blocks(number).save(file, "JPEG")
        return file.getvalue()

    return make


def test_the_real_tf_flowers(real, write, jpeg):
    pictures = {
        f"flower_photos/{kind}/{n}.jpg": jpeg(n) for n, kind in enumerate(["roses", "daisy", "tulips", "daisy"])
    }
    real("tf_flowers", {"flower_photos.tgz": archive({**pictures, "flower_photos/LICENSE.txt": b"CC-BY"})})
    folder, rows = write("tf_flowers")
    found = {(folder / row["path"]).read_bytes(): row["label"] for row in rows}
    assert found == {content: path.split("/")[1] for path, content in pictures.items()}
    assert Fetched.load(folder) == Fetched(
        ("dandelion", "daisy", "tulips", "sunflowers", "roses"), "tensorflow-datasets tf_flowers/3.0.1"
    )


def test_the_real_oxford_flowers(real, write, jpeg):
    from scipy.io import savemat

    pictures = {f"jpg/image_{number:05d}.jpg": jpeg(number) for number in range(1, 8)}
    labels, splits = io.BytesIO(), io.BytesIO()
    savemat(labels, {"labels": [[1, 102, 3, 4, 5, 6, 7]]})
    savemat(splits, {"trnid": [[2, 4]], "valid": [[1, 3]], "tstid": [[5, 6, 7]]})
    files = {"102flowers.tgz": archive(pictures), "imagelabels.mat": labels.getvalue(), "setid.mat": splits.getvalue()}
    real("oxford_flowers102", files)
    folder, rows = write("oxford_flowers102")
    found = {(folder / row["path"]).read_bytes(): (row["label"], row["split"]) for row in rows}
    assert found[pictures["jpg/image_00002.jpg"]] == ("blackberry lily", "train")
    assert found[pictures["jpg/image_00001.jpg"]] == ("pink primrose", "val")
    assert found[pictures["jpg/image_00007.jpg"]][1] == "test"
    assert len(Fetched.load(folder).classes) == 102


def test_the_real_one_without_network(real, write, tmp_path, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(UserError, match="The connection to http://download"):
            write("tf_flowers")


def test_the_real_one_refuses_another_archive(real, write, tmp_path):
    (tmp_path / "work" / "downloads" / "manual" / "flower_photos.tgz").write_bytes(b"another")
    with pytest.raises(UserError, match=r"stopped at tf_flowers: .* wrong checksum"):
        write("tf_flowers")
