"""What `bench data fetch petals` does: find what is missing, have it downloaded, put it where it is found."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.cache import not_writable
from bench.data.imports.importer import ImportOutcome, ImportRequest, carry_out, origin_of
from bench.data.imports.unfinished import PETALS_LOCK, PETALS_WORK, exclusive_lock, fetch_lock, imports
from bench.data.public import petals
from bench.data.public.sources import Written
from bench.data.records import is_whole
from bench.data.source import find, petals_place
from bench.environment import home
from bench.errors import UserError
from bench.jobs.messages import DownloadJob, PublicJob
from bench.jobs.process import ask_counting


@dataclass(frozen=True)
class FetchOutcome:
    """What was fetched.

    Attributes:
        root: the folder of the data set.
        files: how many were downloaded.
        mounted: where Kaggle has put all of it instead, in its own notebooks.
    """

    root: Path
    files: int
    mounted: Path | None = None


def fetch_petals(resolutions: Sequence[int]) -> FetchOutcome:
    """Fetches the shards that are not there whole. A resolution appears when all of it is there.

    Raises:
        UserError: a resolution that the competition lacks, files in the way, or whatever stops the download.
    """
    _check_resolutions(resolutions)
    if petals.url() is not None:
        raise UserError("PETALS_DIR is a URL. Let it name a folder on this machine to fetch into, or unset it.")
    root = petals_place() or petals.places()[0]
    if not _missing(root, resolutions):
        return FetchOutcome(root, 0)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(root / PETALS_LOCK, f"Another fetch into '{root}' is under way. Wait for it."):
            return _fetch(root, _missing(root, resolutions))
    except (OSError, sqlite3.Error) as error:
        raise not_writable(root, error) from error


def _check_resolutions(resolutions: Sequence[int]) -> None:
    strange = [px for px in resolutions if px not in petals.RESOLUTIONS]
    if strange:
        known = ", ".join(map(str, petals.RESOLUTIONS))
        raise UserError(
            f"--px {strange[0]}: the competition has its pictures at {known} px. Fetch the next larger ones: those of "
            "another size are made from them as they are read."
        )


def _missing(root: Path, resolutions: Sequence[int]) -> dict[int, list[str]]:
    """px -> files that are not there whole; resolutions that are complete are left out."""
    _check_strangers(root)
    lacking = {px: [name for name in petals.files(px) if not is_whole(root / name)] for px in resolutions}
    return {px: names for px, names in lacking.items() if names}


def _check_strangers(root: Path) -> None:
    """What is not the competition's must not be mixed with it, whatever its resolution."""
    known = {root / name for px in petals.RESOLUTIONS for name in petals.files(px)}
    strangers = sorted(set(root.glob("tfrecords-jpeg-*/*/*.tfrec")) - known)
    if strangers:
        raise UserError(
            f"'{root}' holds {len(strangers)} shards that are not the competition's, such as '{strangers[0].name}'. "
            "Move them away, or let PETALS_DIR name another folder."
        )


def _fetch(root: Path, missing: Mapping[int, Sequence[str]]) -> FetchOutcome:
    work = root / PETALS_WORK
    for names in missing.values():
        mounted = _download(work, names)
        if mounted is not None:
            shutil.rmtree(work, ignore_errors=True)
            return FetchOutcome(mounted, 0, mounted)
        _install(work, root, names)
    shutil.rmtree(work, ignore_errors=True)
    return FetchOutcome(root, sum(map(len, missing.values())))


def _download(work: Path, names: Sequence[str]) -> Path | None:
    work.mkdir(exist_ok=True)
    answers = ask_counting(DownloadJob(files=tuple(names), folder=str(work)), work / "log.txt")
    return Path(answers[0].lines[0]) if answers else None


def _install(work: Path, root: Path, names: Sequence[str]) -> None:
    """Moves a resolution into place: at once, or the files that an incomplete one lacked."""
    folder = Path(names[0]).parts[0]
    if not (root / folder).exists():
        (work / folder).rename(root / folder)
        return
    for name in names:
        (root / name).parent.mkdir(exist_ok=True)
        (work / name).replace(root / name)


def fetch_public(name: str, resolutions: Sequence[int]) -> tuple[ImportRequest, ImportOutcome] | None:
    """Fetches and imports; None where it is there already.

    Raises:
        UserError: a data set of the user's own has that name, or whatever stops the download or the import.
    """
    there = _there(name)
    if there.issuperset(resolutions):
        return None
    work = imports() / name
    try:
        work.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(fetch_lock(name), f"Another fetch of {name} is under way. Wait for it."):
            folder = work / "fetched"
            written = Written.load(folder) or _ask(name, folder, work / "fetch.log")
            sides = tuple(sorted(there.union(resolutions)))
            request = ImportRequest(
                Written.table(folder),
                name,
                resolutions=sides,
                force=bool(there),
                classes=written.classes,
                origin=written.origin,
            )
            return request, carry_out(request)
    except (OSError, sqlite3.Error) as error:
        raise not_writable(work, error) from error


def _there(name: str) -> frozenset[int]:
    """Resolutions of an earlier fetch."""
    if not (home() / "data" / name).exists():
        return frozenset()
    if not origin_of(name):
        raise UserError(f"The data set '{name}' in '{home() / 'data'}' was not fetched. Rename its folder, then fetch.")
    return frozenset(find(name).resolutions)


def _ask(name: str, folder: Path, log: Path) -> Written:
    folder.mkdir(exist_ok=True)
    ask_counting(PublicJob(name=name, folder=str(folder)), log)
    written = Written.load(folder)
    assert written is not None, "the child ended well without saying what it wrote"
    return written
