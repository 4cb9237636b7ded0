"""What `bench data import` does: find pictures, prepare them on all cores, decide splits, write shards, rename."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.data.cache import not_writable
from bench.data.imports.inventory import Finding, ImportFault, look
from bench.data.imports.pictures import FORM, Prepared, Square, prepare_all
from bench.data.imports.splits import DEFAULT, Shares, split_all
from bench.data.imports.spool import Planned, Spool
from bench.data.imports.unfinished import exclusive_lock, import_lock, imports
from bench.data.imports.workers import process_pool
from bench.data.layout import SPLITS
from bench.data.records import NO_CLASS
from bench.data.source import ANSWERS_FILE, CLASSES_FILE, SAMPLE
from bench.environment import cores, home
from bench.errors import UserError, listed, one_line
from bench.jobs.messages import Progress, ShardsJob
from bench.jobs.process import ask
from bench.jobs.progress import Counter

SOURCES_FILE = "pictures.csv"
SKIPPED_FILE = "skipped.csv"
ABOUT_FILE = "import.json"

_CHUNK = 8  # files that a worker is given at a time
_ID_DIGITS = 16
_NAME = re.compile(r"\w(?:[\w .+-]*[\w+-])?")


@dataclass(frozen=True)
class ImportRequest:
    """The command line of `bench data import`.

    Attributes:
        classes: names in label order, for pictures whose classes are numbered already.
        origin: where pictures that were fetched come from.
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
    """What was imported.

    Attributes:
        root: the folder of the data set.
        counts: split -> pictures.
        classes: how many.
        copies: files that hold the very bytes of another one.
        skipped: files that could not be read.
    """

    root: Path
    counts: Mapping[str, int]
    classes: int
    copies: int
    skipped: Sequence[ImportFault]


def carry_out(request: ImportRequest, workers: int | None = None) -> ImportOutcome:
    """Imports. What was prepared is kept until the data set is whole, so that the same command goes on from there.

    Raises:
        UserError: whatever is wrong with the request, the pictures or the disk.
    """
    shares = Shares.parse(request.split or DEFAULT)
    _check_name(request)
    finding = replace(look(request.source), order=request.classes)
    if request.split and any(found.split for found in finding.pictures):
        raise UserError("--split cannot be given: the pictures come with their splits.")
    work = imports() / request.name
    try:
        work.mkdir(parents=True, exist_ok=True)
        busy = f"Another import into '{request.name}' is under way. Wait for it, or give another name."
        with exclusive_lock(import_lock(request.name), busy):
            outcome = Import(request, finding, work, workers or cores()).run(shares)
            shutil.rmtree(work, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise not_writable(work, error) from error
    return outcome


class Import:
    """One import, inside its lock."""

    def __init__(self, request: ImportRequest, finding: Finding, work: Path, workers: int) -> None:
        self._request, self._finding, self._work, self._workers = request, finding, work, workers
        self._form = f"{FORM}-{request.square}"
        self._root = home() / "data" / request.name
        self._classes = finding.class_names
        self._number = {name: number for number, name in enumerate(self._classes)}

    def run(self, shares: Shares) -> ImportOutcome:
        """All of it."""
        work = self._work
        work.mkdir(exist_ok=True)  # whoever held the lock before may have removed it
        with closing(Spool(work / "spool.sqlite", self._form)) as spool, Counter() as counter:
            digests, faults = self._prepare(spool, counter)
            self._check_readable(digests, faults)
            rows = self._assigned(digests, shares)
            spool.plan(Planned(row.split, row.id, self._label(row), row.digest) for row in rows)
            shutil.rmtree(work / "new", ignore_errors=True)
            job = ShardsJob(
                spool=str(work / "spool.sqlite"),
                form=self._form,
                folder=str(work / "new"),
                resolutions=self._request.resolutions,
            )
            ask(job, work / "log.txt", lambda event: _show(counter, event))
        self._describe(work / "new", rows, faults, shares)
        self._install(work)
        counts = Tally(row.split for row in rows)
        copies = len(rows) - len({row.digest for row in rows})
        return ImportOutcome(self._root, counts, len(self._classes), copies, faults)

    def _prepare(self, spool: Spool, counter: Counter) -> tuple[dict[str, str], list[ImportFault]]:
        """Path -> content digest of every picture that can be read, and the files that cannot."""
        paths = [found.path for found in self._finding.pictures]
        digests = {path: digest for path in paths if (digest := self._known(spool, path))}
        faults, todo = list(self._finding.faults), [path for path in paths if path not in digests]
        for prepared in self._prepared(todo):
            for one in prepared:
                if one.fault:
                    faults.append(ImportFault(one.path, one.fault))
                else:
                    spool.put(one)
                    digests[one.path] = one.digest
            spool.keep()
            counter.at("preparing pictures", len(digests) + len(faults), len(paths) + len(self._finding.faults))
        return digests, sorted(faults, key=lambda fault: fault.path)

    def _known(self, spool: Spool, path: str) -> str | None:
        try:
            return spool.known(path, self._request.resolutions)
        except OSError:
            return None  # preparing it will say what is wrong

    def _prepared(self, paths: Sequence[str]) -> Iterator[list[Prepared]]:
        """Chunks as they are done, few enough under way to fit in memory."""
        chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
        if not chunks:
            return
        waiting, running = iter(chunks), dict[Future[list[Prepared]], Sequence[str]]()
        pool = process_pool(min(self._workers, len(chunks)))
        try:
            for chunk in waiting:
                future = pool.submit(prepare_all, chunk, self._request.resolutions, self._request.square)
                running[future] = chunk
                if len(running) >= 2 * self._workers:
                    yield from self._finished(running)
            while running:
                yield from self._finished(running)
        finally:
            pool.shutdown(cancel_futures=True)

    def _finished(self, running: dict[Future[list[Prepared]], Sequence[str]]) -> Iterator[list[Prepared]]:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            try:
                yield future.result()
            except BrokenProcessPool:
                names = [f"'{self._finding.told(path)}'" for chunk in running.values() for path in chunk]
                raise UserError(
                    f"A process that read pictures died, as when memory runs out or a decoder breaks on a file. It was "
                    f"at one of {listed(names)}. The same command goes on from there."
                ) from None
            del running[future]

    def _check_readable(self, digests: Mapping[str, str], faults: Sequence[ImportFault]) -> None:
        if not faults:
            return
        told = [f"'{self._finding.told(fault.path)}' ({fault.reason})" for fault in faults]
        if not digests:
            raise UserError(f"None of {len(faults):,} files can be used: {listed(told)}.")
        if not self._request.skip_unreadable:
            full = self._work / "unreadable.txt"
            full.write_text("".join(f"{line}\n" for line in told), encoding="utf-8")
            raise UserError(
                f"{len(faults):,} of {len(digests) + len(faults):,} files cannot be used: {listed(told)}. All are in "
                f"'{full}'. Mend or remove them, or leave them out with --skip-unreadable."
            )

    def _assigned(self, digests: Mapping[str, str], shares: Shares) -> list[ImportRow]:
        """A row for every picture, ordered by id."""
        pictures = [found for found in self._finding.pictures if found.path in digests]
        self._check_classes({found.label for found in pictures})
        splits: Mapping[str, str] = {}
        if pictures[0].split is None:
            classes = defaultdict(list)
            for found in pictures:
                classes[found.label or ""].append(digests[found.path])
            splits = split_all(classes, shares, _earlier(self._root, shares))
        seen: Tally[str] = Tally()
        rows = []
        for found in sorted(pictures, key=lambda found: (digests[found.path], self._finding.told(found.path))):
            digest = digests[found.path]
            seen[digest] += 1
            copy = f"-{seen[digest]}" if seen[digest] > 1 else ""
            split = found.split or splits[digest]
            rows.append(
                ImportRow(digest[:_ID_DIGITS] + copy, self._finding.told(found.path), found.label, split, digest)
            )
        return rows

    def _check_classes(self, readable: set[str | None]) -> None:
        gone = [f"'{name}'" for name in self._classes if name not in readable]
        if gone:
            raise UserError(f"No picture of {listed(gone)} can be read. Mend them, or remove the class.")

    def _label(self, row: ImportRow) -> int:
        return NO_CLASS if row.split == "test" or row.label is None else self._number[row.label]

    def _describe(self, folder: Path, rows: Sequence[ImportRow], faults: Sequence[ImportFault], shares: Shares) -> None:
        """Everything beside the shards."""
        (folder / CLASSES_FILE).write_text("".join(f"{name}\n" for name in self._classes), encoding="utf-8")
        test = [row for row in rows if row.split == "test"]
        if test and test[0].label is not None:
            answers = [(row.id, self._number[row.label or ""]) for row in test]
            _write_csv(folder / ANSWERS_FILE, ("id", "label"), answers)
        sources = [(row.id, row.path, row.label or "", row.split, row.digest) for row in rows]
        _write_csv(folder / SOURCES_FILE, ("id", "path", "class", "split", "sha256"), sources)
        if faults:
            told = [(self._finding.told(fault.path), fault.reason) for fault in faults]
            _write_csv(folder / SKIPPED_FILE, ("path", "reason"), told)
        split, square = [shares.train, shares.val, shares.test], self._request.square
        about = {"split": split, "square": square, "form": FORM, "origin": self._request.origin}
        (folder / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")

    def _install(self, work: Path) -> None:
        self._root.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(work / "old", ignore_errors=True)
        if self._root.exists():
            if not self._request.force:  # it came while this one worked
                raise _taken(self._request.name)
            self._root.rename(work / "old")
        (work / "new").rename(self._root)


@dataclass(frozen=True)
class ImportRow:
    """One picture of the data set: its path as told, its class if that is known."""

    id: str
    path: str
    label: str | None
    split: str
    digest: str


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


def square_of(data: str) -> Square:
    """How the pictures of an imported data set were made square; the middle, where nothing says otherwise."""
    return "letterbox" if _about(home() / "data" / data).get("square") == "letterbox" else "centre"


def origin_of(data: str) -> str | None:
    """Where a data set was fetched from; None where nothing says so, as of one's own pictures."""
    return _about(home() / "data" / data).get("origin")


def _about(root: Path) -> dict[str, Any]:
    try:
        about = json.loads((root / ABOUT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _taken(name: str) -> UserError:
    return UserError(f"There is a data set '{name}' already. Give another name, or replace it with --force.")


def _earlier(root: Path, shares: Shares) -> dict[str, str]:
    """Digest -> split of an earlier import with the same shares, or nothing."""
    if _about(root).get("split") != [shares.train, shares.val, shares.test]:
        return {}
    try:
        with (root / SOURCES_FILE).open(encoding="utf-8", newline="") as file:
            return {row["sha256"]: row["split"] for row in csv.DictReader(file) if row["split"] in SPLITS}
    except (OSError, ValueError, KeyError):
        return {}


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _show(counter: Counter, event: object) -> None:
    if isinstance(event, Progress):
        counter.at(event.phase, event.done, event.total)
