"""What the child does when a data set is given by a URL: list it, and fetch the small files beside its shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.data.cache import not_writable
from bench.data.layout import SPLITS, side_of
from bench.data.remote.address import Remote, place, plain
from bench.data.remote.filesystem import in_words, settle, within
from bench.data.source import ANSWERS_FILE, CLASSES_FILE, find
from bench.errors import UserError
from bench.jobs.messages import Emit, LookJob, Progress

_PATIENCE_SECONDS = 60.0
_AT_ONCE = 16  # questions on their way


def look(url: str) -> None:
    """List what lies there now and keep it, with class names and answers.

    Raises:
        UserError: it cannot be read, does not answer, or is not in the Kaggle form.
    """
    url = plain(url)
    settle(url)
    try:
        with in_words(url):
            within(_PATIENCE_SECONDS, url, lambda: _look(url))
    except OSError as error:
        raise not_writable(place(url), error) from error
    find(url)


def _look(url: str) -> None:
    from tensorflow.io import gfile

    if not gfile.stat(url).is_directory:  # listdir would take a refusal for an empty place
        raise UserError(f"'{url}' is a file, not a folder. Pass the folder that holds tfrecords-jpeg-224x224.")
    inside = _names(url)
    small = [name for name in (CLASSES_FILE, ANSWERS_FILE) if name in inside]
    folders = [f"{name}/{split}" for name in inside if side_of(name) for split in SPLITS]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        listed = list(pool.map(lambda folder: _shards(url, folder), folders))
        sizes = _sizes(url, [*small, *(path for paths in listed for path in paths)], pool)
    place(url).mkdir(parents=True, exist_ok=True)
    for name in small:
        gfile.copy(f"{url}/{name}", str(place(url) / name), overwrite=True)
    Remote(url, sizes).save()


def _names(folder: str) -> Sequence[str]:
    """Names in a folder; object stores end those of folders with a slash."""
    from tensorflow.io import gfile

    return [name.rstrip("/") for name in gfile.listdir(folder)]


def _shards(url: str, folder: str) -> Sequence[str]:
    from tensorflow.io import gfile

    if not gfile.isdir(f"{url}/{folder}"):
        return []
    return [f"{folder}/{name}" for name in _names(f"{url}/{folder}") if name.endswith(".tfrec")]


def _sizes(url: str, paths: Sequence[str], pool: ThreadPoolExecutor) -> Mapping[str, int]:
    from tensorflow.io import gfile

    found = pool.map(lambda path: int(gfile.stat(f"{url}/{path}").length), paths)
    return dict(zip(paths, found, strict=True))


def handle(job: LookJob, emit: Emit, _: Path) -> None:
    """Handler for listings."""
    emit(Progress(run_id="", phase=f"looking at {job.data}"))
    look(job.data)
