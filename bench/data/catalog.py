"""From what a user calls a data set, a name or a folder, to its files. Needs no TensorFlow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.data import petals
from bench.data.fingerprint import fingerprint
from bench.data.resizing import METHOD
from bench.data.stored import Stored
from bench.environment import home
from bench.errors import UserError, unknown

SPLITS = ("train", "val", "test")
SAMPLE = "sample"
CLASSES_FILE = "classes.txt"
ANSWERS_FILE = "answers.csv"
# Written beside generated data when it is made, see sample.py: a digest of the pixels before encoding.
GENERATED_FILE = "generated.json"

_RESOLUTION = re.compile(r"tfrecords-jpeg-(\d+)x\1")


@dataclass(frozen=True)
class DataSource:
    """The files of one data set.

    Attributes:
        name: what reports call it; for a folder, its base name.
        root: the folder that holds `tfrecords-jpeg-{px}x{px}`.
        class_names: in label order, or None without a file of them.
        shards: px -> split -> sorted shards; `test` may be absent.
        answers: `answers.csv` with the labels of the test split, or None.
        classes: the file that the class names come from, or None.
    """

    name: str
    root: Path
    class_names: tuple[str, ...] | None
    shards: Mapping[int, Mapping[str, tuple[Path, ...]]]
    answers: Path | None
    classes: Path | None = None

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
        return fingerprint(self.shards[px], self.classes)


def names() -> tuple[str, ...]:
    """The data sets that can be given by name: `sample`, made on first use, and those under `home()/data`."""
    folder = home() / "data"
    present = folder.iterdir() if folder.is_dir() else ()
    found = {path.name for path in present if path.is_dir() and _resolution_folders(path)}
    on_mount = {petals.PETALS} if petals_place() else set()
    return tuple(sorted({SAMPLE} | found | on_mount))


def find(name_or_path: str) -> DataSource:
    """The data set of that name, else in that folder.

    Raises:
        UserError: there is none, or it is not in the form `tfrecords-jpeg-{px}x{px}/{train,val,test}/*.tfrec`.
    """
    root = _root(name_or_path)
    folders = _resolution_folders(root)
    if not folders:
        raise _not_a_data_set(root)
    answers = root / ANSWERS_FILE
    is_petals = root in [place.resolve() for place in petals.places()]
    classes = _classes_file(root, is_petals)
    return DataSource(
        name=petals.PETALS if is_petals else root.name,
        root=root,
        class_names=None if classes is None else _class_names(classes),
        classes=classes,
        shards={px: _splits(folder) for px, folder in folders.items()},
        answers=answers if answers.is_file() else None,
    )


def _classes_file(root: Path, is_petals: bool) -> Path | None:
    own = root / CLASSES_FILE
    if own.is_file():
        return own
    return petals.CLASSES if is_petals else None


def petals_place() -> Path | None:
    """The folder that `petals` stands for, or None where none of its places holds a resolution."""
    return next((place for place in petals.places() if place.is_dir() and _resolution_folders(place)), None)


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


def _resolution_folders(root: Path) -> dict[int, Path]:
    matches = ((_RESOLUTION.fullmatch(path.name), path) for path in root.iterdir())
    return {int(match[1]): path for match, path in matches if match and path.is_dir()}


def _not_a_data_set(root: Path) -> UserError:
    for inner in (root, root.parent):
        if _RESOLUTION.fullmatch(inner.name):
            return UserError(f"'{root}' is inside a data set. Pass the folder around it: '{inner.parent}'.")
    return UserError(
        f"'{root}' holds no folder like tfrecords-jpeg-224x224. "
        "Expected tfrecords-jpeg-{px}x{px}/{train,val,test}/*.tfrec in it."
    )


def _splits(folder: Path) -> dict[str, tuple[Path, ...]]:
    present = [split for split in SPLITS if (folder / split).is_dir()]
    for split in ("train", "val"):
        if split not in present:
            raise UserError(f"'{folder}' has no folder '{split}'. Expected train and val, and test if there is one.")
    return {split: _shards(folder / split) for split in present}


def _shards(folder: Path) -> tuple[Path, ...]:
    shards = tuple(sorted(folder.glob("*.tfrec")))
    if not shards:
        raise UserError(f"'{folder}' holds no .tfrec file. Put its shards there, or remove the folder if it is test.")
    return shards


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
