"""`bench data fetch`: the shards of petals from Kaggle; other public data sets downloaded and imported."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.cache import not_writable
from bench.data.imports.importer import ImportOutcome, ImportRequest, import_pictures, origin_of
from bench.data.imports.unfinished import PETALS_LOCK, PETALS_WORK, exclusive_lock, fetch_lock, imports_folder
from bench.data.public import petals
from bench.data.public.sources import TABLE, Fetched
from bench.data.records import is_whole
from bench.data.source import find
from bench.environment import home
from bench.errors import UserError
from bench.jobs.messages import DownloadJob, PublicJob
from bench.jobs.process import ask_counting


@dataclass(frozen=True)
class FetchOutcome:
    """A fetch of petals.

    Attributes:
        root: the folder of the data set.
        files: the number of downloaded shards.
        mounted: the folder where Kaggle has mounted the files instead, in its own notebooks.
    """

    root: Path
    files: int
    mounted: Path | None = None


def fetch_petals(resolutions: Sequence[int]) -> FetchOutcome:
    """Fetches missing and incomplete shards. A new resolution appears once all of its shards are there.

    Raises:
        UserError: a resolution that the competition lacks, files in the way, or a failed download.
    """
    strange = [px for px in resolutions if px not in petals.RESOLUTIONS]
    if strange:
        known = ", ".join(map(str, petals.RESOLUTIONS))
        raise UserError(
            f"--px {strange[0]}: the competition has its pictures at {known} px. Fetch the next larger ones: those of "
            "another size are made from them as they are read."
        )
    if petals.url() is not None:
        raise UserError("PETALS_DIR is a URL. Let it name a folder on this machine to fetch into, or unset it.")
    root = petals.folder() or petals.folders()[0]
    if not _missing(root, resolutions):
        return FetchOutcome(root, 0)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(root / PETALS_LOCK, f"Another fetch into '{root}' is under way. Wait for it."):
            return _fetch(root, _missing(root, resolutions))
    except (OSError, sqlite3.Error) as error:
        raise not_writable(root, error) from error


def fetch_public(name: str, resolutions: Sequence[int]) -> ImportOutcome | None:
    """Fetches and imports a data set; None if all resolutions are there already.

    Raises:
        UserError: the name is taken by a data set that was not fetched, or a failed download or import.
    """
    present = _fetched_resolutions(name)
    if present.issuperset(resolutions):
        return None
    work = imports_folder() / name
    try:
        work.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(fetch_lock(name), f"Another fetch of {name} is under way. Wait for it."):
            folder = work / "fetched"
            fetched = Fetched.load(folder) or _write_pictures(name, folder, work / "fetch.log")
            request = ImportRequest(
                folder / TABLE,
                name,
                resolutions=tuple(sorted(present.union(resolutions))),
                force=bool(present),
                classes=fetched.classes,
                origin=fetched.origin,
            )
            return import_pictures(request)
    except (OSError, sqlite3.Error) as error:
        raise not_writable(work, error) from error


def _missing(root: Path, resolutions: Sequence[int]) -> dict[int, list[str]]:
    """px -> missing and incomplete shards; complete resolutions are left out.

    Raises:
        UserError: the folder holds shards of other data, which must not be mixed with the competition's.
    """
    known = {root / name for px in petals.RESOLUTIONS for name in petals.files(px)}
    others = sorted(set(root.glob("tfrecords-jpeg-*/*/*.tfrec")) - known)
    if others:
        raise UserError(
            f"'{root}' holds {len(others)} shards that are not the competition's, such as '{others[0].name}'. "
            "Move them away, or let PETALS_DIR name another folder."
        )
    missing = {px: [name for name in petals.files(px) if not is_whole(root / name)] for px in resolutions}
    return {px: names for px, names in missing.items() if names}


def _fetch(root: Path, missing: Mapping[int, Sequence[str]]) -> FetchOutcome:
    work = root / PETALS_WORK
    work.mkdir(exist_ok=True)
    for names in missing.values():
        answers = ask_counting(DownloadJob(files=tuple(names), folder=str(work)), work / "log.txt")
        if answers:  # the folder that Kaggle has mounted
            shutil.rmtree(work, ignore_errors=True)
            mounted = Path(answers[0].lines[0])
            return FetchOutcome(mounted, 0, mounted)
        _install(work, root, names)
    shutil.rmtree(work, ignore_errors=True)
    return FetchOutcome(root, sum(map(len, missing.values())))


def _install(work: Path, root: Path, names: Sequence[str]) -> None:
    """Moves a resolution into place: a new one at once, else the shards that were missing."""
    folder = Path(names[0]).parts[0]
    if not (root / folder).exists():
        (work / folder).rename(root / folder)
        return
    for name in names:
        (root / name).parent.mkdir(exist_ok=True)
        (work / name).replace(root / name)


def _fetched_resolutions(name: str) -> frozenset[int]:
    """Resolutions of an earlier fetch."""
    if not (home() / "data" / name).exists():
        return frozenset()
    if not origin_of(name):
        raise UserError(f"The data set '{name}' in '{home() / 'data'}' was not fetched. Rename its folder, then fetch.")
    return frozenset(find(name).resolutions)


def _write_pictures(name: str, folder: Path, log: Path) -> Fetched:
    """In a child: the pictures of a data set as files in the folder."""
    folder.mkdir(exist_ok=True)
    ask_counting(PublicJob(name=name, folder=str(folder)), log)
    fetched = Fetched.load(folder)
    assert fetched is not None, "the child succeeded without marking the folder as complete"
    return fetched
