"""The Kaggle form of a data set's folder: `tfrecords-jpeg-{px}x{px}/{train,val,test}/*.tfrec` and two small files."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from bench.errors import UserError

SPLITS = ("train", "val", "test")
CLASSES_FILE = "classes.txt"
ANSWERS_FILE = "answers.csv"

Names = dict[str, tuple[str, ...]]  # split -> names of its shards, sorted

_RESOLUTION = re.compile(r"tfrecords-jpeg-(\d+)x\1")


def folder_of(px: int) -> str:
    """The name of the folder of one resolution."""
    return f"tfrecords-jpeg-{px}x{px}"


def side_of(folder: str) -> int | None:
    """The side in pixels that a folder's name gives; None if the folder is not one of a resolution."""
    match = _RESOLUTION.fullmatch(folder)
    return int(match[1]) if match else None


def has_resolutions(root: Path) -> bool:
    """Whether a folder holds a resolution. True also for an unreadable folder: opening it then names the reason."""
    try:
        return bool(_folders(root))
    except UserError:
        return True


def in_folder(root: Path) -> dict[int, Names]:
    """px -> split -> shards of a folder on this machine; splits may lack shards.

    Raises:
        UserError: the folder cannot be read.
    """
    return {
        px: {
            split: tuple(path.name for path in sorted((folder / split).glob("*.tfrec")))
            for split in SPLITS
            if (folder / split).is_dir()
        }
        for px, folder in _folders(root).items()
    }


def of_names(names: Iterable[str]) -> dict[int, Names]:
    """As `in_folder`, from paths relative to the data set's folder, such as `tfrecords-jpeg-224x224/val/00-0.tfrec`."""
    found: dict[int, Names] = {}
    for path in map(PurePosixPath, sorted(names)):
        px = side_of(path.parts[0])
        if px is not None and len(path.parts) == 3 and path.parts[1] in SPLITS and path.suffix == ".tfrec":
            split = found.setdefault(px, {})
            split[path.parts[1]] = (*split.get(path.parts[1], ()), path.name)
    return {px: {split: splits[split] for split in SPLITS if split in splits} for px, splits in found.items()}


def check(found: Mapping[int, Names], where: str) -> None:
    """Raises a UserError unless a resolution is present, and each has shards of train and val.

    Args:
        found: as `in_folder` and `of_names` return it.
        where: the folder, for the error.
    """
    if not found:
        raise _not_a_data_set(where)
    for px, splits in found.items():
        folder = f"{where}/{folder_of(px)}"
        for split in ("train", "val"):
            if split not in splits:
                raise UserError(
                    f"'{folder}' has no folder '{split}'. Expected train and val, and test if there is one."
                )
        for split, shards in splits.items():
            if not shards:
                remedy = "Put its shards there, or remove the folder if it is test."
                raise UserError(f"'{folder}/{split}' holds no .tfrec file. {remedy}")


def class_name(name: str) -> str:
    """A class name as `classes.txt` can hold it: composed (NFC), one line, single spaces."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    spaced = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", text))
    return " ".join(spaced.split())


def read_classes(path: Path) -> tuple[str, ...]:
    """The class names of a `classes.txt`, in label order.

    Raises:
        UserError: not UTF-8, an empty line, or a name given twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"'{path}' is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    names = tuple(line.strip() for line in lines)
    if "" in names:
        raise UserError(
            f"'{path}' line {names.index('') + 1} is empty. Expected one class name a line, in label order."
        )
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise UserError(f"'{path}' holds '{repeated}' more than once. Give every class a name of its own.")
    return names


def _folders(root: Path) -> dict[int, Path]:
    try:
        inside = list(root.iterdir())
    except OSError as error:
        raise UserError(f"Cannot read '{root}': {error.strerror or error}.") from error
    sides = {path: side_of(path.name) for path in inside}
    return {px: path for path, px in sides.items() if px is not None and path.is_dir()}


def _not_a_data_set(where: str) -> UserError:
    *_, outer, inner = ("", "", *where.split("/"))
    for name, above in ((inner, 1), (outer, 2)):
        if side_of(name) is not None:
            around = "/".join(where.split("/")[:-above])
            return UserError(f"'{where}' is inside a data set. Pass the folder around it: '{around}'.")
    return UserError(
        f"'{where}' holds no folder like {folder_of(224)}. "
        "Expected tfrecords-jpeg-{px}x{px}/{train,val,test}/*.tfrec in it."
    )
