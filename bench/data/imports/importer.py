"""`bench data import`: find pictures, prepare them on all cores, decide splits, write shards, rename into place."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections import Counter as Tally
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from bench.config.overrides import parse_resolutions
from bench.data.cache import not_writable
from bench.data.imports.inventory import ImportFault, Inventory, find_pictures
from bench.data.imports.pictures import FORM, Prepared, Square, prepare_all
from bench.data.imports.splits import DEFAULT, Shares, split_all
from bench.data.imports.spool import Planned, Spool
from bench.data.imports.unfinished import exclusive_lock, import_lock, imports_folder
from bench.data.imports.workers import process_pool
from bench.data.layout import ANSWERS_FILE, CLASSES_FILE, SPLITS
from bench.data.records import NO_CLASS
from bench.data.source import SAMPLE
from bench.environment import cores, home
from bench.errors import UserError, listed, one_line, unknown
from bench.files import write_csv
from bench.jobs.messages import ShardsJob
from bench.jobs.process import ask_counting
from bench.jobs.progress import Counter

SOURCES_FILE = "pictures.csv"
SKIPPED_FILE = "skipped.csv"
ABOUT_FILE = "import.json"

_CHUNK = 8  # files in a task of a worker
_ID_DIGITS = 16
_MAX_PX = 2048
_NAME = re.compile(r"\w(?:[\w .+-]*[\w+-])?")


@dataclass(frozen=True)
class ImportRequest:
    """The command line of `bench data import`.

    Attributes:
        classes: names in label order, for pictures whose classes are numbered already.
        origin: the source of fetched pictures.
    """

    source: Path
    name: str
    split: str | None = None
    resolutions: tuple[int, ...] = (224, 512)
    square: Square = "centre"
    skip_unreadable: bool = False
    force: bool = False
    classes: tuple[str, ...] | None = None
    origin: str | None = None


@dataclass(frozen=True)
class ImportOutcome:
    """An imported data set.

    Attributes:
        root: the folder of the data set.
        resolutions: sides of the pictures in pixels, ascending.
        counts: split -> pictures.
        classes: their number.
        copies: files with the very bytes of another one.
        skipped: files that could not be read.
    """

    root: Path
    resolutions: tuple[int, ...]
    counts: Mapping[str, int]
    classes: int
    copies: int
    skipped: Sequence[ImportFault]


@dataclass(frozen=True)
class ImportRow:
    """One picture of the data set: its path as displayed, its class if known."""

    id: str
    path: str
    label: str | None
    split: str
    digest: str


def import_pictures(request: ImportRequest, workers: int | None = None) -> ImportOutcome:
    """Imports pictures. Prepared pictures are kept until the data set is complete, so that a second run continues.

    Raises:
        UserError: a fault of the request, the pictures or the disk.
    """
    shares = Shares.parse(request.split or DEFAULT)
    _check_name(request)
    inventory = replace(find_pictures(request.source), order=request.classes)
    if request.split and any(found.split for found in inventory.pictures):
        raise UserError("--split cannot be given: the pictures come with their splits.")
    work = imports_folder() / request.name
    try:
        work.mkdir(parents=True, exist_ok=True)
        busy = f"Another import into '{request.name}' is under way. Wait for it, or give another name."
        with exclusive_lock(import_lock(request.name), busy):
            outcome = Import(request, inventory, shares, work, workers or cores()).run()
            shutil.rmtree(work, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise not_writable(work, error) from error
    return outcome


def parse_sides(text: str) -> tuple[int, ...]:
    """Sides of squares in pixels from `224,512`, ascending.

    Raises:
        UserError: no numbers, or more than 2048.
    """
    sides = tuple(sorted(parse_resolutions(text)))
    if sides[-1] > _MAX_PX:
        raise UserError(f"--px {sides[-1]} is more than {_MAX_PX}.")
    return sides


def parse_square(text: str) -> Square:
    """The way to make squares of that name.

    Raises:
        UserError: unknown name.
    """
    for square in get_args(Square):
        if text == square:
            return square  # type: ignore[no-any-return]
    raise unknown("way to make squares", text, get_args(Square))


def square_of(data: str) -> Square:
    """How the pictures of an imported data set were made square; the middle if unknown."""
    return "letterbox" if _about(home() / "data" / data).get("square") == "letterbox" else "centre"


def origin_of(data: str) -> str | None:
    """The source of a fetched data set; None for any other."""
    return _about(home() / "data" / data).get("origin")


class Import:
    """One import, inside its lock."""

    def __init__(self, request: ImportRequest, inventory: Inventory, shares: Shares, work: Path, workers: int) -> None:
        self._request, self._inventory, self._shares = request, inventory, shares
        self._work, self._workers = work, workers
        self._root = home() / "data" / request.name
        self._classes = inventory.class_names
        self._number = {name: number for number, name in enumerate(self._classes)}

    def run(self) -> ImportOutcome:
        """All steps, from the pictures to the installed data set."""
        work, form = self._work, f"{FORM}-{self._request.square}"
        work.mkdir(exist_ok=True)  # the previous holder of the lock may have removed it
        with closing(Spool(work / "spool.sqlite", form)) as spool:
            digests, faults = self._prepare(spool)
            self._check_readable(digests, faults)
            rows = self._assigned(digests)
            spool.plan(Planned(row.split, row.id, self._label(row), row.digest) for row in rows)
            shutil.rmtree(work / "new", ignore_errors=True)
            job = ShardsJob(
                spool=str(work / "spool.sqlite"),
                form=form,
                folder=str(work / "new"),
                resolutions=self._request.resolutions,
            )
            ask_counting(job, work / "log.txt")
        self._describe(work / "new", rows, faults)
        self._install()
        counts = Tally(row.split for row in rows)
        copies = len(rows) - len({row.digest for row in rows})
        return ImportOutcome(self._root, self._request.resolutions, counts, len(self._classes), copies, faults)

    def _prepare(self, spool: Spool) -> tuple[dict[str, str], list[ImportFault]]:
        """Path -> content digest of every readable picture, and the other files."""
        paths = [found.path for found in self._inventory.pictures]
        digests = {path: digest for path in paths if (digest := spool.known(path, self._request.resolutions))}
        faults, todo = list(self._inventory.faults), [path for path in paths if path not in digests]
        with Counter() as counter:
            for chunk in self._prepared(todo):
                for prepared in chunk:
                    if prepared.fault:
                        faults.append(ImportFault(prepared.path, prepared.fault))
                    else:
                        spool.put(prepared)
                        digests[prepared.path] = prepared.digest
                spool.keep()
                done, total = len(digests) + len(faults), len(paths) + len(self._inventory.faults)
                counter.at("preparing pictures", done, total)
        return digests, sorted(faults, key=lambda fault: fault.path)

    def _prepared(self, paths: Sequence[str]) -> Iterator[list[Prepared]]:
        """Prepared pictures in order, in chunks; few chunks are under way, so that they fit in memory."""
        chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
        if not chunks:
            return
        pool = process_pool(min(self._workers, len(chunks)))
        running = deque[tuple[Sequence[str], Future[list[Prepared]]]]()
        try:
            for chunk in chunks:
                if len(running) >= 4 * self._workers:
                    yield running[0][1].result()
                    running.popleft()
                future = pool.submit(prepare_all, chunk, self._request.resolutions, self._request.square)
                running.append((chunk, future))
            while running:
                yield running[0][1].result()
                running.popleft()
        except BrokenProcessPool:
            names = [f"'{self._inventory.display_path(path)}'" for chunk, _ in running for path in chunk]
            raise UserError(
                f"A process that read pictures died, as when memory runs out or a decoder breaks on a file. It was "
                f"at one of {listed(names)}. The same command resumes."
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)

    def _check_readable(self, digests: Mapping[str, str], faults: Sequence[ImportFault]) -> None:
        if not faults:
            return
        lines = [f"'{self._inventory.display_path(fault.path)}' ({fault.reason})" for fault in faults]
        if not digests:
            raise UserError(f"None of {len(faults):,} files can be used: {listed(lines)}.")
        if not self._request.skip_unreadable:
            full = self._work / "unreadable.txt"
            full.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            raise UserError(
                f"{len(faults):,} of {len(digests) + len(faults):,} files cannot be used: {listed(lines)}. All are in "
                f"'{full}'. Mend or remove them, or leave them out with --skip-unreadable."
            )

    def _assigned(self, digests: Mapping[str, str]) -> list[ImportRow]:
        """A row for every picture, with its split, ordered by id."""
        pictures = [found for found in self._inventory.pictures if found.path in digests]
        gone = [f"'{name}'" for name in self._classes if name not in {found.label for found in pictures}]
        if gone:
            raise UserError(f"No picture of {listed(gone)} can be read. Mend them, or remove the class.")
        splits: Mapping[str, str] = {}
        if pictures[0].split is None:
            classes = defaultdict(list)
            for found in pictures:
                classes[found.label or ""].append(digests[found.path])
            splits = split_all(classes, self._shares, _earlier(self._root, self._shares))
        seen: Tally[str] = Tally()
        rows = []
        shown = {found.path: self._inventory.display_path(found.path) for found in pictures}
        for found in sorted(pictures, key=lambda found: (digests[found.path], shown[found.path])):
            digest = digests[found.path]
            seen[digest] += 1
            copy = f"-{seen[digest]}" if seen[digest] > 1 else ""
            split = found.split or splits[digest]
            rows.append(ImportRow(digest[:_ID_DIGITS] + copy, shown[found.path], found.label, split, digest))
        return rows

    def _label(self, row: ImportRow) -> int:
        return NO_CLASS if row.split == "test" or row.label is None else self._number[row.label]

    def _describe(self, folder: Path, rows: Sequence[ImportRow], faults: Sequence[ImportFault]) -> None:
        """Writes the files beside the shards."""
        (folder / CLASSES_FILE).write_text("".join(f"{name}\n" for name in self._classes), encoding="utf-8")
        test = [row for row in rows if row.split == "test"]
        if test and test[0].label is not None:
            answers = [(row.id, self._number[row.label or ""]) for row in test]
            write_csv(folder / ANSWERS_FILE, [("id", "label"), *answers])
        sources = [(row.id, row.path, row.label or "", row.split, row.digest) for row in rows]
        write_csv(folder / SOURCES_FILE, [("id", "path", "class", "split", "sha256"), *sources])
        if faults:
            skipped = [(self._inventory.display_path(fault.path), fault.reason) for fault in faults]
            write_csv(folder / SKIPPED_FILE, [("path", "reason"), *skipped])
        about = {"split": astuple(self._shares), "square": self._request.square, "form": FORM}
        (folder / ABOUT_FILE).write_text(json.dumps(about | {"origin": self._request.origin}), encoding="utf-8")

    def _install(self) -> None:
        self._root.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._work / "old", ignore_errors=True)
        if self._root.exists():
            if not self._request.force:  # created during this import
                raise _taken(self._request.name)
            self._root.rename(self._work / "old")
        (self._work / "new").rename(self._root)


def _check_name(request: ImportRequest) -> None:
    name = request.name
    if not _NAME.fullmatch(name) or len(name) > 80:
        raise UserError(
            f"'{one_line(name)}' cannot be the name of a data set: letters, digits, spaces and . _ + - between them."
        )
    if name == SAMPLE:
        raise UserError(f"'{SAMPLE}' is the built-in data set. Give another name.")
    if (home() / "data" / name).exists() and not request.force:
        raise _taken(name)


def _taken(name: str) -> UserError:
    return UserError(f"There is a data set '{name}' already. Give another name, or replace it with --force.")


def _about(root: Path) -> dict[str, Any]:
    try:
        about = json.loads((root / ABOUT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _earlier(root: Path, shares: Shares) -> dict[str, str]:
    """Digest -> split of an earlier import with the same shares; empty without one."""
    if _about(root).get("split") != list(astuple(shares)):
        return {}
    try:
        with (root / SOURCES_FILE).open(encoding="utf-8", newline="") as file:
            return {row["sha256"]: row["split"] for row in csv.DictReader(file) if row["split"] in SPLITS}
    except (OSError, ValueError, KeyError):
        return {}
