"""The pictures to import and their classes: from class folders, or a CSV of path, label and perhaps split."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.layout import SPLITS, class_name
from bench.errors import UserError, listed, one_line

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # a Path keeps one of the two slashes
_SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif"})


@dataclass(frozen=True)
class FoundPicture:
    """One picture to import.

    Attributes:
        path: of its file.
        label: the name of its class; None for a test picture of unknown class.
        split: None: its content decides.
    """

    path: str
    label: str | None
    split: str | None = None


@dataclass(frozen=True)
class ImportFault:
    """A file that cannot be imported, and why."""

    path: str
    reason: str


@dataclass
class Inventory:
    """The pictures of a folder or a CSV.

    Attributes:
        base: the folder that displayed paths are relative to.
        pictures: in the order of their paths, or of the rows of the CSV.
        faults: files that are refused unopened.
        order: the class names in label order, if they are numbered already.
    """

    base: Path
    pictures: list[FoundPicture] = field(default_factory=list)
    faults: list[ImportFault] = field(default_factory=list)
    order: tuple[str, ...] | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """All labels: in the given order; else by number if all are numbers, else alphabetically."""
        if self.order is not None:
            return self.order
        names = {found.label for found in self.pictures if found.label is not None}
        numbered = all(name.isascii() and name.isdigit() for name in names)
        return tuple(sorted(names, key=lambda name: (int(name), name) if numbered else (0, name)))

    def display_path(self, path: str) -> str:
        """A path relative to the base, on one line."""
        return one_line(os.path.relpath(path, self.base))


def find_pictures(source: Path) -> Inventory:
    """The pictures of a folder or a CSV.

    Raises:
        UserError: missing, without a class, or with names or columns that cannot be used.
    """
    source = source.expanduser()
    if source.is_dir():
        inventory = _in_folders(source)
    elif source.is_file():
        inventory = _in_csv(source)
    else:
        elsewhere = " Pictures at a URL must be copied here first." if _URL.match(str(source)) else ""
        raise UserError(f"No folder or CSV file '{one_line(source)}'.{elsewhere}")
    if not inventory.pictures and not inventory.faults:
        raise UserError(f"'{one_line(source)}' holds no picture.")
    _check_splits(inventory, source)
    return inventory


def _in_folders(root: Path) -> Inventory:
    inventory = Inventory(root)
    folders = [path for path in _visible(root) if path.is_dir()]
    if not folders:
        raise UserError(f"'{one_line(root)}' holds no class folder. Expected FOLDER/CLASS/PICTURE, or a CSV file.")
    loose = [path.name for path in _visible(root) if not path.is_dir() and path.suffix.lower() in _PICTURES]
    if loose:
        raise UserError(
            f"Pictures beside the class folders of '{one_line(root)}': {_quoted(loose)}. Put them into one."
        )
    splits = [_SPLIT_NAMES.get(path.name.lower()) for path in folders]
    if {"train"} <= set(splits) and None not in splits:
        for folder, split in zip(folders, splits, strict=True):
            _add_classes(inventory, [path for path in _visible(folder) if path.is_dir()], split)
    else:
        _add_classes(inventory, folders, None)
    return inventory


def _add_classes(inventory: Inventory, folders: Sequence[Path], split: str | None) -> None:
    names = _checked_names([folder.name for folder in folders])
    empty = []
    for folder in folders:
        before = len(inventory.pictures) + len(inventory.faults)
        _add_pictures(inventory, folder, names[folder.name], split)
        if len(inventory.pictures) + len(inventory.faults) == before:
            empty.append(inventory.display_path(str(folder)))
    if empty:
        raise UserError(f"Class folders without a picture: {_quoted(empty)}. Put pictures in, or remove the folders.")


def _add_pictures(inventory: Inventory, folder: Path, label: str, split: str | None) -> None:
    def refuse(link: Path) -> None:
        inventory.faults.append(ImportFault(str(link), "a link to a folder or to nothing"))

    root = inventory.base.resolve()
    for path in files_in(folder, refuse):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            inventory.faults.append(ImportFault(str(path), "a link out of the folder"))
        else:
            inventory.pictures.append(FoundPicture(str(path), label, split))


def files_in(folder: Path, refuse: Callable[[Path], object]) -> Iterator[Path]:
    """Every file under a folder, in order; links to folders and to nothing are passed to `refuse`."""
    if folder.is_symlink():
        refuse(folder)
        return
    for path in _visible(folder):
        if path.is_symlink() and not path.is_file():
            refuse(path)
        elif path.is_dir():
            yield from files_in(path, refuse)
        else:
            yield path


def _visible(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"Cannot read the folder '{one_line(folder)}': {error.strerror}.") from None
    return [path for path in paths if not path.name.startswith(".") and path.name.lower() not in _CLUTTER]


def _in_csv(path: Path) -> Inventory:
    inventory = Inventory(path.parent)
    rows = _rows(path)
    names = _checked_names([row["label"] for _, row in rows if row["label"]])
    for line, row in rows:
        where = f"'{one_line(path)}' line {line}"
        if not row["path"]:
            raise UserError(f"{where} has no path.")
        split = _split(row["split"], where)
        if not row["label"] and split != "test":
            raise UserError(f"{where} has no label. Only pictures of the split test may be without.")
        inventory.pictures.append(FoundPicture(str(path.parent / row["path"]), names.get(row["label"]), split))
    twice = [name for name, count in Counter(found.path for found in inventory.pictures).items() if count > 1]
    if twice:
        raise UserError(f"'{one_line(path)}' names {_quoted(list(map(inventory.display_path, twice)))} more than once.")
    missing = [found for found in inventory.pictures if not os.path.lexists(found.path)]
    inventory.faults = [ImportFault(found.path, "no such file") for found in missing]
    inventory.pictures = [found for found in inventory.pictures if found not in set(missing)]
    return inventory


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and the three columns, "" if absent."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip() for name in reader.fieldnames or ()]
            if not {"path", "label"} <= set(header):
                raise UserError(f"'{one_line(path)}' must begin with the line path,label or path,label,split.")
            reader.fieldnames = header
            names = ("path", "label", "split")
            return [(reader.line_num, {name: row.get(name) or "" for name in names}) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"'{one_line(path)}' is not a CSV file in UTF-8: {error}.") from None
    except OSError as error:
        raise UserError(f"Cannot read '{one_line(path)}': {error.strerror}.") from None


def _split(text: str, where: str) -> str | None:
    given = text.strip()
    if not given:
        return None
    if given.lower() not in _SPLIT_NAMES:
        raise UserError(f"{where} has the split '{one_line(given)}'. Known: {', '.join(SPLITS)}.")
    return _SPLIT_NAMES[given.lower()]


def _checked_names(given: Sequence[str]) -> dict[str, str]:
    """Given name -> class name. Two of the same class name are an error: their pictures would be mixed."""
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in dict.fromkeys(given):
        names[name] = class_name(name)
        if not names[name]:
            raise UserError(f"The class name {name!r} holds nothing that can be read. Rename it.")
        other = taken.setdefault(names[name], name)
        if other != name:
            raise UserError(f"The class names {other!r} and {name!r} are both '{names[name]}' on one line. Rename one.")
    return names


def _check_splits(inventory: Inventory, source: Path) -> None:
    counts = Counter(found.split for found in inventory.pictures)
    if not counts or set(counts) == {None}:
        return
    if None in counts:
        raise UserError(f"'{one_line(source)}' gives {counts[None]:,} pictures no split. Give it to all or to none.")
    for split in ("train", "val"):
        if split not in counts:
            raise UserError(f"'{one_line(source)}' gives no picture to {split}. Needed: train and val; test if any.")
    unknown = sum(found.label is None for found in inventory.pictures)
    if 0 < unknown < counts["test"]:
        raise UserError(
            f"'{one_line(source)}': {unknown} of {counts['test']} test pictures have no label. All or none."
        )


def _quoted(names: Sequence[str]) -> str:
    return listed([f"'{one_line(name)}'" for name in names], 5)
