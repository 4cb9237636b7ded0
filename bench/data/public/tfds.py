"""Pictures of a public data set as files, through tensorflow-datasets. Runs in a child: it imports TensorFlow."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.data.cache import not_writable
from bench.data.layout import class_name
from bench.data.public.sources import PUBLIC, TABLE, Fetched
from bench.errors import UserError, one_line
from bench.files import csv_text, size_of, write_text
from bench.jobs.messages import Emit, PublicJob, counted

_MIB = 2**20
_PROBE_SECONDS = 10.0
_TICK_SECONDS = 1.0
Tell = Callable[[str, int, int], object]


def handle(job: PublicJob, emit: Emit, _: Path) -> None:
    """Handler for public data sets."""
    write_pictures(job, lambda phase, done, total: counted(emit, phase)(done, total))


def write_pictures(job: PublicJob, tell: Tell) -> None:
    """Downloads a data set unless it is prepared already; writes its pictures and a CSV of them for `data import`.

    Args:
        job: the data set and the folder; the mark of `Fetched.save` is written last.
        tell: called with a phase, the amount done, and the total.

    Raises:
        UserError: no tensorflow-datasets, network or room, or unexpected counts of pictures.
    """
    folder = Path(job.folder)
    try:
        import tensorflow_datasets as tfds

        builder = _prepared(tfds, job.name, folder, tell)
        fetched = _write(tfds, builder, folder, tell)
    except UserError:
        raise
    except Exception as error:
        fault = _user_error(error, job.name, folder)
        if fault is None:
            raise
        raise fault from error
    fetched.save(folder)


def _prepared(tfds: Any, name: str, folder: Path, tell: Tell) -> Any:
    """The builder of a data set on this disk: the user's own copy, else a temporary one in the folder."""
    theirs = tfds.builder(name)
    if theirs.data_path.exists():
        return theirs
    builder, downloads = tfds.builder(name, data_dir=str(folder / "prepared")), folder / "downloads"
    if not builder.data_path.exists():
        for part in (folder / "prepared", downloads / "extracted", *downloads.rglob("*.tmp.*")):
            shutil.rmtree(part, ignore_errors=True)  # the library cannot use what an interruption left
        sizes = {url: int(info.size) for url, info in (builder.url_infos or {}).items()}
        _probe(sizes, name, downloads)
        with _size_reported(folder, sum(sizes.values()), tell):
            builder.download_and_prepare(download_dir=str(downloads))
    return builder


def _probe(urls: Mapping[str, int], name: str, downloads: Path) -> None:
    """Requests the largest file first: without a network, tensorflow-datasets tries for minutes."""
    import requests

    url = max(urls, key=lambda known: urls[known], default=None)
    if url is None or any(downloads.glob("manual/*")):
        return
    try:
        requests.head(url, timeout=_PROBE_SECONDS, allow_redirects=True)
    except requests.RequestException as error:
        raise _no_connection(error, name, downloads.parent) from error


@contextmanager
def _size_reported(folder: Path, size: int, tell: Tell) -> Iterator[None]:
    """Reports the downloaded MiB every second."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_TICK_SECONDS):
            with suppress(OSError):  # of a file renamed in between; the next tick counts it
                done = min(size_of(folder / "downloads"), size)
                tell("downloading and preparing, MiB", done // _MIB, size // _MIB)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _write(tfds: Any, builder: Any, folder: Path, tell: Tell) -> Fetched:
    public = PUBLIC[builder.name]
    label = builder.info.features["label"]
    names = tuple(class_name(name) for name in label.names)
    rows, total = [("path", "label", "split")], sum(public.counts.values())
    for theirs, ours in public.splits.items():
        before, undecoded = len(rows), {"image": tfds.decode.SkipDecoding()}  # encoded as published
        examples = builder.as_dataset(split=theirs, decoders=undecoded, shuffle_files=False)
        for number, example in enumerate(examples.as_numpy_iterator()):
            path = f"pictures/{theirs}-{number:05d}.jpg"
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(bytes(example["image"]))
            rows.append((path, names[int(example["label"])], ours))
            if number % 100 == 0:
                tell("writing pictures", len(rows) - 1, total)
        if len(rows) - before != public.counts[theirs]:
            raise UserError(
                f"{builder.name} has {len(rows) - before:,} pictures in its split '{theirs}', expected are "
                f"{public.counts[theirs]:,}."
            )
    write_text(folder / TABLE, csv_text(rows))
    return Fetched(names, f"tensorflow-datasets {builder.info.full_name}")


def _user_error(error: Exception, name: str, folder: Path) -> UserError | None:
    """The error with its remedy; None if the user cannot mend it."""
    if isinstance(error, ImportError):  # of a dependency too, which is imported late
        needs = f"data fetch {name} needs tensorflow-datasets and its dependencies"
        return UserError(f"{needs}: pip install 'petalbench[tfds]'. ({one_line(str(error))})")
    import requests

    if isinstance(error, requests.RequestException):  # an OSError too, so it comes first
        return _no_connection(error, name, folder)
    if isinstance(error, OSError):
        return not_writable(folder, error)
    if type(error).__module__.startswith("tensorflow_datasets"):
        return UserError(f"tensorflow-datasets stopped at {name}: {one_line(' '.join(str(error).split()))}")
    return None


def _no_connection(error: Exception, name: str, folder: Path) -> UserError:
    archive = PUBLIC[name].url.rsplit("/", 1)[-1]
    return UserError(
        f"The connection to {PUBLIC[name].url} failed ({type(error).__name__}). The same command tries again; "
        f"an archive fetched elsewhere is taken from '{folder / 'downloads' / 'manual' / archive}'."
    )
