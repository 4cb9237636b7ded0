"""Shards that lie elsewhere, copied once: a shuffled epoch reads them in any order, many times over."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench.data.cache import not_writable
from bench.data.remote.address import Remote
from bench.data.remote.filesystem import in_words, settle
from bench.data.sample.dataset import ensure_sample
from bench.data.source import SAMPLE, DataSource, find
from bench.errors import UserError
from bench.jobs.messages import Emit, Progress, counted

Tell = Callable[[int, int], object]
_PHASE = "copying, MiB"  # as progress calls it

_AT_ONCE = 8  # copies on their way
_DISK_SHARE = 0.9  # of the free disk: the rest is left to others
_UNFINISHED = ".unfinished"
_STALE_SECONDS = 24 * 3600.0


def open_local(data: str, resolutions: Sequence[int] = (), tell: Tell = lambda done, of: None) -> DataSource:
    """A data set whose shards can be read: those that lie elsewhere are copied, unless they were before.

    Args:
        data: name, path or URL.
        resolutions: that will be read; all of the data set where none is given.
        tell: is given how many MiB are there, of how many.

    Raises:
        UserError: there is no such data set, or it cannot be copied.
    """
    source = find(data)
    if source.remote is not None:
        sides = {source.stored_px(px) for px in resolutions or source.resolutions}
        paths = [path for px in sorted(sides) for shards in source.shards[px].values() for path in shards]
        _copy(source.remote, source.root, paths, tell)
    return source


def _copy(remote: Remote, root: Path, paths: Sequence[Path], tell: Tell) -> None:
    sizes = {path: remote.sizes[path.relative_to(root).as_posix()] for path in paths}
    missing = [path for path in paths if not _is_whole(path, sizes[path])]
    if not missing:
        return
    needed = sum(sizes[path] for path in missing)
    try:
        _make_room(root, needed, remote.url)
        settle(remote.url)
        done = 0
        with in_words(remote.url), ThreadPoolExecutor(_AT_ONCE) as pool:
            for size in pool.map(partial(_copy_one, remote, root), missing):
                done += size
                tell(_mib(done), _mib(needed))
    except OSError as error:
        raise not_writable(root, error) from error


def _make_room(root: Path, needed: int, url: str) -> None:
    unfinished = root / _UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    for left in unfinished.iterdir():  # by a process that was killed
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            left.unlink(missing_ok=True)
    free = shutil.disk_usage(root).free
    if needed > _DISK_SHARE * free:
        raise UserError(
            f"'{url}' has to be copied to '{root}', {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free. "
            "Make room, or set PETALBENCH_HOME to a folder on another disk."
        )


def _copy_one(remote: Remote, root: Path, path: Path) -> int:
    """Copies a shard under a temporary name and renames it; returns its bytes."""
    from tensorflow.io import gfile

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
    """Rounded up, so that little is not nothing."""
    return -(-size >> 20)


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def open_for_job(data: str, resolutions: Sequence[int], emit: Emit) -> DataSource:
    """In a child: the data set of a job on this machine, the sample drawn first if it is missing.

    Raises:
        UserError: as `open_local`.
    """
    if data == SAMPLE:
        emit(Progress(run_id="", phase="drawing the sample"))
        ensure_sample()
    return open_local(data, resolutions, counted(emit, _PHASE))
