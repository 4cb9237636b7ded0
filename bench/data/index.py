"""The index of a data set: ids, labels and class names, as a scan found them. Needs no TensorFlow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import cache
from bench.data.sample.dataset import is_made
from bench.data.source import SAMPLE, DataSource, find, find_data
from bench.environment import home
from bench.errors import UserError
from bench.files import sha256
from bench.jobs.messages import PrepareJob, Progress
from bench.jobs.process import ask

_KIND = "index"
# Goes up whenever a scan checks more or the file changes: an index of another version is scanned again.
_VERSION = 2


@dataclass(frozen=True)
class SplitIndex:
    """The records of a split, in reading order.

    Attributes:
        ids: N ids, unique in the whole data set.
        labels: int64 (N,), -1 for a record without one.
    """

    ids: tuple[str, ...]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class DataIndex:
    """A checked data set.

    Attributes:
        name: as in its source.
        class_names: C names in label order.
        fingerprints: px -> content digest, for the requested resolutions.
        splits: split -> its records, the same at every resolution.
        test_labels: int64 (N of test,), or None if the answers are unknown.
        val_duplicates: validation pictures that are also training pictures, byte for byte.
        test_duplicates: test pictures that are also training or validation pictures.
    """

    name: str
    class_names: tuple[str, ...]
    fingerprints: Mapping[int, str]
    splits: Mapping[str, SplitIndex]
    test_labels: NDArray[np.int64] | None
    val_duplicates: int = 0
    test_duplicates: int = 0

    @property
    def duplicates(self) -> dict[str, int]:
        """Both counts, by name."""
        return {"val_duplicates": self.val_duplicates, "test_duplicates": self.test_duplicates}


def find_made(data: str) -> DataSource | None:
    """The data set as it is now; None for a sample that is not drawn yet.

    Raises:
        UserError: as `find_data`.
    """
    return None if data == SAMPLE and not is_made() else find_data(data)


def checked_index(
    data: str, source: DataSource | None, resolutions: Sequence[int], log: Path, show: Callable[[Progress], object]
) -> DataIndex:
    """The index of a data set: from the cache, else from a child that checks every record (of a sample drawn first).

    Args:
        data: name, path or URL.
        source: its files; None: the sample, not drawn yet.
        resolutions: sides in pixels, stored or made from larger ones.
        log: the file that receives everything the child prints.
        show: called with the child's progress.

    Raises:
        UserError: a fault in the data, the child died, or the index cannot be kept.
    """
    index = load_cached(source, resolutions) if source else None
    if index is not None:
        return index

    def on_event(event: object) -> None:
        if isinstance(event, Progress):
            show(event)

    ask(PrepareJob(data=data, resolutions=tuple(resolutions)), log, on_event, "Checking the data set")
    index = load_cached(source or find(data), resolutions)
    if index is None:
        raise UserError(f"The index of '{data}' cannot be kept in '{home()}'. Set PETALBENCH_HOME elsewhere.")
    return index


def load_cached(source: DataSource, px_list: Iterable[int]) -> DataIndex | None:
    """The index of an earlier scan of the same content, or None; resolutions made from a stored one share its index."""
    resolutions = sorted(set(px_list))
    text = cache.read(_KIND, _key(source, resolutions))
    try:
        found = None if text is None else from_json(text)
    except (ValueError, KeyError, TypeError):
        return None  # an unreadable cache is an empty one
    return found and replace(found, fingerprints={px: source.fingerprint(px) for px in resolutions})


def save(source: DataSource, index: DataIndex) -> None:
    """Caches an index for `load_cached`."""
    cache.write(_KIND, _key(source, index.fingerprints), to_json(index))


def to_json(index: DataIndex) -> str:
    """One JSON object with the fields of the index."""
    return json.dumps(asdict(index), default=lambda array: array.tolist())


def from_json(text: str) -> DataIndex:
    """The inverse of `to_json`.

    Raises:
        ValueError, KeyError, TypeError: not the text of an index.
    """
    fields: dict[str, Any] = json.loads(text)
    fields["class_names"] = tuple(fields["class_names"])
    fields["fingerprints"] = {int(px): digest for px, digest in fields["fingerprints"].items()}
    fields["splits"] = {
        split: SplitIndex(tuple(part["ids"]), np.array(part["labels"], np.int64))
        for split, part in fields["splits"].items()
    }
    if fields["test_labels"] is not None:
        fields["test_labels"] = np.array(fields["test_labels"], np.int64)
    return DataIndex(**fields)


def _key(source: DataSource, px_list: Iterable[int]) -> str:
    # Answers change no run, so fingerprints leave them out; but they change the index.
    answers = None if source.answers is None else sha256(source.answers)
    sides = sorted({source.stored_px(px) for px in px_list})
    prints = {px: source.fingerprint(px) for px in sides}
    return hashlib.sha256(json.dumps([_VERSION, source.name, prints, answers]).encode()).hexdigest()
