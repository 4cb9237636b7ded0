"""Data sets by name, folder or URL, and their files. Needs no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data import layout
from bench.data.fingerprint import fingerprint, remote_fingerprint
from bench.data.layout import ANSWERS_FILE, CLASSES_FILE, Names, has_resolutions
from bench.data.public import petals
from bench.data.reading import METHOD, Stored
from bench.data.remote.address import RemoteFolder, copies_folder, folder_url, is_remote, scheme
from bench.environment import answers, home
from bench.errors import UserError, unknown
from bench.jobs.messages import LookJob
from bench.jobs.process import ask_counting

SAMPLE = "sample"
USUAL_PX = (224, 512)  # the resolutions of a comparison, and those of the sample
# Written beside generated data, see sample/dataset.py: digests of the pixels before encoding.
GENERATED_FILE = "generated.json"

_GOOGLE = ("www.googleapis.com", "storage.googleapis.com")  # the hosts that list and that read


@dataclass(frozen=True)
class DataSource:
    """The files of one data set.

    Attributes:
        name: in reports; for a folder or a URL, its last part.
        root: the folder that holds `tfrecords-jpeg-{px}x{px}`; of a URL, its copies on this machine.
        class_names: in label order, or None without a file of them.
        shards: px -> split -> sorted shards; `test` may be absent.
        answers: `answers.csv` with the labels of the test split, or None.
        classes: the file of the class names, or None.
        remote: the folder of a URL, whose shards are copied before they are read; None on this machine.
    """

    name: str
    root: Path
    class_names: tuple[str, ...] | None
    shards: Mapping[int, Mapping[str, tuple[Path, ...]]]
    answers: Path | None
    classes: Path | None = None
    remote: RemoteFolder | None = None

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The stored sides in pixels, ascending."""
        return tuple(sorted(self.shards))

    def stored_px(self, px: int) -> int:
        """The side of the stored pictures that those of `px` are read from: `px`, else the next larger one.

        Raises:
            UserError: no stored pictures are as large; pictures are never enlarged.
        """
        larger = [side for side in self.shards if side >= px]
        if not larger:
            known = ", ".join(map(str, self.resolutions))
            raise UserError(f"Data set '{self.name}' has no pictures of {px} px or more. It has: {known}.")
        return min(larger)

    def source_px(self, px: int) -> int | None:
        """The side that pictures of `px` are made from as they are read; None if `px` is stored."""
        side = self.stored_px(px)
        return None if side == px else side

    def stored(self, px: int, *splits: str) -> Stored:
        """The shards of these splits, one after the other, to be read at this resolution."""
        shards = self.shards[self.stored_px(px)]
        paths = tuple(path for split in splits for path in shards[split])
        return Stored(paths, None if px in self.shards else px)

    def fingerprint(self, px: int) -> str:
        """Digest of the content of one resolution, hexadecimal; read once, then cached.

        A resolution that is made has its source and method appended: `DIGEST-512-to-224-area`.

        Raises:
            UserError: neither this resolution nor a larger one is stored.
        """
        side = self.stored_px(px)
        digest = self._stored_fingerprint(side)
        return digest if side == px else f"{digest}-{side}-to-{px}-{METHOD}"

    def _stored_fingerprint(self, px: int) -> str:
        if self.root.resolve() == (home() / "data" / SAMPLE).resolve():
            generated = json.loads((self.root / GENERATED_FILE).read_text(encoding="utf-8"))
            return str(generated["fingerprints"][str(px)])
        if self.remote is not None:
            sizes = self.remote.sizes
            named = {
                split: {path.name: sizes[path.relative_to(self.root).as_posix()] for path in paths}
                for split, paths in self.shards[px].items()
            }
            return remote_fingerprint(named, self.classes)
        return fingerprint(self.shards[px], self.classes)


def names() -> tuple[str, ...]:
    """The data sets known by name: `sample`, drawn on first use, those under `home()/data`, and `petals` if found."""
    folder = home() / "data"
    present = folder.iterdir() if folder.is_dir() else ()
    found = {path.name for path in present if path.is_dir() and has_resolutions(path)}
    on_mount = {petals.PETALS} if petals.url() or petals.folder() else set()
    return tuple(sorted({SAMPLE} | found | on_mount))


def find_data(data: str) -> DataSource:
    """The data set of that name, in that folder or at that URL; a URL is listed first.

    Raises:
        UserError: the data set does not exist, or cannot be read.
    """
    url = url_of(data)
    if url is not None:
        _list_remote(url)
    return find(data)


def find(data: str) -> DataSource:
    """As `find_data`, with the last listing of a URL.

    Raises:
        UserError: no such data set, or not in the form `tfrecords-jpeg-{px}x{px}/{train,val,test}/*.tfrec`.
    """
    url = url_of(data)
    if url is not None:
        return _at_url(url)
    root = _root(data)
    found = layout.in_folder(root)
    layout.check(found, str(root))
    is_petals = root in [folder.resolve() for folder in petals.folders()]
    small = [name for name in (CLASSES_FILE, ANSWERS_FILE) if (root / name).is_file()]
    return _source(petals.PETALS if is_petals else root.name, root, found, small, is_petals=is_petals)


def url_of(data: str) -> str | None:
    """The URL of a data set that is given by one, or by the name `petals` with a URL in `PETALS_DIR`; else None.

    Raises:
        UserError: the URL names no folder.
    """
    if is_remote(data):
        return folder_url(data)
    return petals.url() if data == petals.PETALS else None


def _at_url(url: str) -> DataSource:
    remote = RemoteFolder.load(url)
    found = layout.of_names(remote.sizes)
    layout.check(found, remote.url)
    is_petals = remote.url == petals.url()
    name = petals.PETALS if is_petals else remote.name
    return _source(name, copies_folder(url), found, remote.sizes, is_petals=is_petals, remote=remote)


def _source(
    name: str,
    root: Path,
    found: Mapping[int, Names],
    small: Container[str],
    *,
    is_petals: bool,
    remote: RemoteFolder | None = None,
) -> DataSource:
    classes = root / CLASSES_FILE if CLASSES_FILE in small else petals.CLASSES if is_petals else None
    return DataSource(
        name=name,
        root=root,
        class_names=None if classes is None else layout.read_classes(classes),
        classes=classes,
        shards={
            px: {
                split: tuple(root / layout.folder_of(px) / split / shard for shard in shards)
                for split, shards in splits.items()
            }
            for px, splits in found.items()
        },
        answers=root / ANSWERS_FILE if ANSWERS_FILE in small else None,
        remote=remote,
    )


def _root(data: str) -> Path:
    if data == petals.PETALS:
        return _petals_root()
    known = names()
    if data in known:
        root = home() / "data" / data
        if not root.is_dir():
            raise UserError(f"Data set '{data}' has not been made yet: '{root}' is missing.")
        return root
    path = Path(data).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.exists():
        raise UserError(f"'{data}' is a file, not a folder. Pass the folder that holds tfrecords-jpeg-224x224.")
    if path.name != data:
        raise UserError(f"No folder '{data}'. Data sets known by name: {', '.join(known)}.")
    raise unknown("data set", data, known)


def _petals_root() -> Path:
    found = petals.folder()
    if found is None:
        searched = ", ".join(f"'{folder}'" for folder in petals.folders())
        raise UserError(
            f"The data of Petals to the Metal were not found in {searched}. Fetch them with `python -m bench data "
            "fetch petals`, or set PETALS_DIR to the folder that holds tfrecords-jpeg-224x224, as downloaded from the "
            f"competition '{petals.COMPETITION}' on Kaggle."
        )
    return found.resolve()


def _list_remote(url: str) -> None:
    # Without an answer from Google, TensorFlow would try for minutes.
    silent = [host for host in _GOOGLE if scheme(url) == "gs" and not answers(host)]
    if silent:
        copies = copies_folder(url)
        path = f"'{copies}' has what was copied" if copies.is_dir() else "a copy on this machine can"
        raise UserError(f"'{url}' cannot be read: {silent[0]} does not answer; {path}: --data PATH.")
    ask_counting(LookJob(data=url), home() / "cache" / "look.log")
