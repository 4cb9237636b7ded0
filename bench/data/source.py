"""From what a user calls a data set, a name, a folder or a URL, to its files. Needs no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data import layout
from bench.data.fingerprint import fingerprint, remote_fingerprint
from bench.data.layout import Names, has_resolutions
from bench.data.public import petals
from bench.data.reading import METHOD, Stored
from bench.data.remote import address as remote
from bench.data.remote.address import Remote, place, scheme
from bench.environment import answers, home
from bench.errors import UserError, unknown
from bench.jobs.messages import LookJob
from bench.jobs.process import ask_counting

SAMPLE = "sample"
USUAL_PX = (224, 512)  # the resolutions of a comparison, and those of the sample
CLASSES_FILE = "classes.txt"
ANSWERS_FILE = "answers.csv"
# Written beside generated data when it is made, see sample.py: a digest of the pixels before encoding.
GENERATED_FILE = "generated.json"


@dataclass(frozen=True)
class DataSource:
    """The files of one data set.

    Attributes:
        name: what reports call it; for a folder or a URL, its last part.
        root: the folder that holds `tfrecords-jpeg-{px}x{px}`; of a URL, its copies on this machine.
        class_names: in label order, or None without a file of them.
        shards: px -> split -> sorted shards; `test` may be absent.
        answers: `answers.csv` with the labels of the test split, or None.
        classes: the file that the class names come from, or None.
        remote: where it lies, unless on this machine; shards are then copied before they are read.
    """

    name: str
    root: Path
    class_names: tuple[str, ...] | None
    shards: Mapping[int, Mapping[str, tuple[Path, ...]]]
    answers: Path | None
    classes: Path | None = None
    remote: Remote | None = None

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The sides in pixels that are there, ascending."""
        return tuple(sorted(self.shards))

    def stored_px(self, px: int) -> int:
        """The side of the stored pictures that those of `px` are read from: `px`, else the next larger one.

        Raises:
            UserError: nothing as large is there; pictures are never enlarged.
        """
        larger = [side for side in self.shards if side >= px]
        if not larger:
            known = ", ".join(map(str, self.resolutions))
            raise UserError(f"Data set '{self.name}' has no pictures of {px} px or more. It has: {known}.")
        return min(larger)

    def source_px(self, px: int) -> int | None:
        """The side that pictures of `px` are made from as they are read; None where they are there."""
        side = self.stored_px(px)
        return None if side == px else side

    def stored(self, px: int, *splits: str) -> Stored:
        """The shards of these splits, one after the other, to be read at this resolution."""
        shards = self.shards[self.stored_px(px)]
        paths = tuple(path for split in splits for path in shards[split])
        return Stored(paths, None if px in self.shards else px)

    def fingerprint(self, px: int) -> str:
        """Digest of the content of one resolution, hexadecimal; read once, then cached.

        Of a resolution that is made it says of what and how: `DIGEST-512-to-224-area`.

        Raises:
            UserError: that resolution is not there, nor a larger one.
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
    """The data sets that can be given by name: `sample`, made on first use, and those under `home()/data`."""
    folder = home() / "data"
    present = folder.iterdir() if folder.is_dir() else ()
    found = {path.name for path in present if path.is_dir() and has_resolutions(path)}
    on_mount = {petals.PETALS} if petals.url() or petals_place() else set()
    return tuple(sorted({SAMPLE} | found | on_mount))


def find(name_or_path: str) -> DataSource:
    """The data set of that name, else in that folder, else at that URL, which a child has looked at.

    Raises:
        UserError: there is none, or it is not in the form `tfrecords-jpeg-{px}x{px}/{train,val,test}/*.tfrec`.
    """
    url = url_of(name_or_path)
    return _here(name_or_path) if url is None else _elsewhere(url)


def url_of(name_or_path: str) -> str | None:
    """Where a data set lies elsewhere, its URL: one is given, or `PETALS_DIR` holds it.

    Raises:
        UserError: a URL that names no folder.
    """
    if remote.is_remote(name_or_path):
        return remote.plain(name_or_path)
    return petals.url() if name_or_path == petals.PETALS else None


def _here(name_or_path: str) -> DataSource:
    root = _root(name_or_path)
    found = layout.in_folder(root)
    layout.check(found, str(root))
    answers = root / ANSWERS_FILE
    is_petals = root in [place.resolve() for place in petals.places()]
    classes = _classes_file(root, is_petals)
    return DataSource(
        name=petals.PETALS if is_petals else root.name,
        root=root,
        class_names=None if classes is None else _class_names(classes),
        classes=classes,
        shards=_shards(root, found),
        answers=answers if answers.is_file() else None,
    )


def _elsewhere(url: str) -> DataSource:
    known, root = remote.load(url), remote.place(url)
    found = layout.of_names(known.sizes)
    layout.check(found, known.url)
    is_petals = known.url == petals.url()
    classes = root / CLASSES_FILE if CLASSES_FILE in known.sizes else petals.CLASSES if is_petals else None
    return DataSource(
        name=petals.PETALS if is_petals else known.name,
        root=root,
        class_names=None if classes is None else _class_names(classes),
        classes=classes,
        shards=_shards(root, found),
        answers=root / ANSWERS_FILE if ANSWERS_FILE in known.sizes else None,
        remote=known,
    )


def _shards(root: Path, found: Mapping[int, Names]) -> dict[int, dict[str, tuple[Path, ...]]]:
    return {
        px: {
            split: tuple(root / layout.folder_of(px) / split / name for name in names)
            for split, names in splits.items()
        }
        for px, splits in found.items()
    }


def _classes_file(root: Path, is_petals: bool) -> Path | None:
    own = root / CLASSES_FILE
    if own.is_file():
        return own
    return petals.CLASSES if is_petals else None


def petals_place() -> Path | None:
    """The folder that `petals` stands for, or None where none of its places holds a resolution."""
    return next((place for place in petals.places() if place.is_dir() and has_resolutions(place)), None)


def _petals_root() -> Path:
    found = petals_place()
    if found is None:
        looked = ", ".join(f"'{place}'" for place in petals.places())
        raise UserError(
            f"The data of Petals to the Metal were not found in {looked}. Fetch them with `python -m bench data fetch "
            "petals`, or set PETALS_DIR to the folder that holds tfrecords-jpeg-224x224, as downloaded from the "
            f"competition '{petals.COMPETITION}' on Kaggle."
        )
    return found.resolve()


def _root(name_or_path: str) -> Path:
    if name_or_path == petals.PETALS:
        return _petals_root()
    known = names()
    if name_or_path in known:
        root = home() / "data" / name_or_path
        if not root.is_dir():
            raise UserError(f"Data set '{name_or_path}' has not been made yet: '{root}' is missing.")
        return root
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.exists():
        raise UserError(f"'{name_or_path}' is a file, not a folder. Pass the folder that holds tfrecords-jpeg-224x224.")
    if path.name != name_or_path:
        raise UserError(f"No folder '{name_or_path}'. Data sets known by name: {', '.join(known)}.")
    raise unknown("data set", name_or_path, known)


def _class_names(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"'{path}' is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    found = tuple(line.strip() for line in lines)
    if "" in found:
        raise UserError(
            f"'{path}' line {found.index('') + 1} is empty. Expected one class name a line, in label order."
        )
    repeated = next((name for name in found if found.count(name) > 1), None)
    if repeated is not None:
        raise UserError(f"'{path}' holds '{repeated}' more than once. Give every class a name of its own.")
    return found


_GOOGLE = ("www.googleapis.com", "storage.googleapis.com")  # one lists, the other reads


def find_data(data: str) -> DataSource:
    """The data set of that name, in that folder or at that URL, as it is now.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    url = url_of(data)
    if url is not None:
        _look(url)
    return find(data)


def _look(url: str) -> None:
    # TensorFlow would try for minutes.
    silent = [host for host in _GOOGLE if scheme(url) == "gs" and not answers(host)]
    if silent:
        copies = place(url)
        path = f"'{copies}' has what was copied" if copies.is_dir() else "a copy on this machine can"
        raise UserError(f"'{url}' cannot be read: {silent[0]} does not answer; {path}: --data PATH.")
    ask_counting(LookJob(data=url), home() / "cache" / "look.log")
