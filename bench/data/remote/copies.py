"""Data sets at a URL, brought to this machine in the child: the folder listed, its small files and shards copied.

Shards are copied once because a shuffled epoch reads them in any order, many times.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tensorflow.io import gfile

from bench.data.cache import not_writable
from bench.data.layout import ANSWERS_FILE, CLASSES_FILE, SPLITS, side_of
from bench.data.remote.address import RemoteFolder, copies_folder, folder_url
from bench.data.remote.filesystem import check_scheme, result_within, user_errors
from bench.data.sample.dataset import ensure_sample
from bench.data.source import SAMPLE, DataSource, find
from bench.errors import UserError
from bench.jobs.messages import Emit, LookJob, Progress, Tell, counted

_PHASE = "copying, MiB"  # in the progress display
_LISTING_SECONDS = 60.0
_REQUESTS = 16  # of a listing, in parallel
_COPIES = 8  # in parallel
_DISK_SHARE = 0.9  # of the free disk; the rest is left to others
_UNFINISHED = ".unfinished"
_STALE_SECONDS = 24 * 3600.0


def handle(job: LookJob, emit: Emit, _: Path) -> None:
    """Handler for listings."""
    emit(Progress(run_id="", phase=f"looking at {job.data}"))
    list_remote(job.data)


def list_remote(url: str) -> None:
    """Lists a folder, stores the listing, and copies class names and answers.

    Raises:
        UserError: it cannot be read, does not answer, or is not in the Kaggle form.
    """
    url = folder_url(url)
    check_scheme(url)
    try:
        with user_errors(url):
            result_within(_LISTING_SECONDS, url, lambda: _list(url))
    except OSError as error:
        raise not_writable(copies_folder(url), error) from error
    find(url)


def open_for_job(data: str, resolutions: Sequence[int], emit: Emit) -> DataSource:
    """In a child: the data set of a job on this machine; the sample is drawn if it is missing.

    Raises:
        UserError: as `open_local`.
    """
    if data == SAMPLE:
        emit(Progress(run_id="", phase="drawing the sample"))
        ensure_sample()
    return open_local(data, resolutions, counted(emit, _PHASE))


def open_local(data: str, resolutions: Sequence[int] = (), tell: Tell = lambda done, of: None) -> DataSource:
    """A data set whose shards are on this machine; those of a URL are copied unless they were before.

    Args:
        data: name, path or URL.
        resolutions: to be read; all of the data set if empty.
        tell: called with the MiB copied, of how many.

    Raises:
        UserError: the data set does not exist, or cannot be copied.
    """
    source = find(data)
    if source.remote is not None:
        sides = {source.stored_px(px) for px in resolutions or source.resolutions}
        paths = [path for px in sorted(sides) for shards in source.shards[px].values() for path in shards]
        _copy(source.remote, source.root, paths, tell)
    return source


def _list(url: str) -> None:
    if not gfile.stat(url).is_directory:  # listdir reports a refusal as an empty folder
        raise UserError(f"'{url}' is a file, not a folder. Pass the folder that holds tfrecords-jpeg-224x224.")
    inside = _names(url)
    small = [name for name in (CLASSES_FILE, ANSWERS_FILE) if name in inside]
    folders = [f"{name}/{split}" for name in inside if side_of(name) for split in SPLITS]
    with ThreadPoolExecutor(_REQUESTS) as pool:
        listed = pool.map(lambda folder: _shards(url, folder), folders)
        paths = [*small, *(path for shards in listed for path in shards)]
        sizes = dict(zip(paths, pool.map(lambda path: int(gfile.stat(f"{url}/{path}").length), paths), strict=True))
    root = copies_folder(url)
    root.mkdir(parents=True, exist_ok=True)
    for name in small:
        gfile.copy(f"{url}/{name}", str(root / name), overwrite=True)
    RemoteFolder(url, sizes).save()


def _names(folder: str) -> Sequence[str]:
    """Names in a folder; object stores end those of folders with a slash."""
    return [name.rstrip("/") for name in gfile.listdir(folder)]


def _shards(url: str, folder: str) -> Sequence[str]:
    if not gfile.isdir(f"{url}/{folder}"):
        return []
    return [f"{folder}/{name}" for name in _names(f"{url}/{folder}") if name.endswith(".tfrec")]


def _copy(remote: RemoteFolder, root: Path, paths: Sequence[Path], tell: Tell) -> None:
    sizes = {path: remote.sizes[path.relative_to(root).as_posix()] for path in paths}
    missing = [path for path in paths if not (path.is_file() and path.stat().st_size == sizes[path])]
    if not missing:
        return
    needed = sum(sizes[path] for path in missing)
    try:
        _make_room(root, needed, remote.url)
        check_scheme(remote.url)
        done = 0
        with user_errors(remote.url), ThreadPoolExecutor(_COPIES) as pool:
            for size in pool.map(partial(_copy_one, remote, root), missing):
                done += size
                tell(_mib(done), _mib(needed))
    except OSError as error:
        raise not_writable(root, error) from error


def _make_room(root: Path, needed: int, url: str) -> None:
    """Removes what killed processes left, and checks the free disk."""
    unfinished = root / _UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    for left in unfinished.iterdir():
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            left.unlink(missing_ok=True)
    free = shutil.disk_usage(root).free
    if needed > _DISK_SHARE * free:
        raise UserError(
            f"'{url}' has to be copied to '{root}', {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free. "
            "Make room, or set PETALBENCH_HOME to a folder on another disk."
        )


def _copy_one(remote: RemoteFolder, root: Path, path: Path) -> int:
    """Copies a shard under a temporary name and renames it; returns its bytes."""
    name = path.relative_to(root).as_posix()
    temporary = root / _UNFINISHED / uuid.uuid4().hex
    try:
        gfile.copy(f"{remote.url}/{name}", str(temporary))
        size = temporary.stat().st_size
        if size != remote.sizes[name]:
            raise UserError(f"'{remote.url}/{name}' changed while it was copied. Run the command again.")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return size


def _mib(size: int) -> int:
    """Rounded up, so that a small size is not 0."""
    return -(-size >> 20)
