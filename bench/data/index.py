"""What a scan found: ids, labels and class names of a data set. Needs no TensorFlow: the parent reads it too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import cache
from bench.data.sample.dataset import is_made
from bench.data.source import SAMPLE, DataSource, find, find_data
from bench.environment import home
from bench.errors import UserError
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
        labels: int64 (N,), -1 where the record has none.
    """

    ids: tuple[str, ...]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class DataIndex:
    """A checked data set.

    Attributes:
        name: as in its source.
        class_names: C names in label order.
        fingerprints: px -> content digest, for the resolutions that were asked for.
        splits: split -> its records, the same at every resolution.
        test_labels: int64 (N of test,), or None where the answers are not known.
        val_duplicates: validation pictures that are training pictures too, byte for byte.
        test_duplicates: test pictures that are training or validation pictures too.
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
        """Both counts, by their names."""
        return {"val_duplicates": self.val_duplicates, "test_duplicates": self.test_duplicates}


def load_cached(source: DataSource, px_list: Iterable[int]) -> DataIndex | None:
    """The index of an earlier scan of the same content, or None; resolutions made from it need no other."""
    resolutions = sorted(set(px_list))
    text = cache.read(_KIND, _key(source, resolutions))
    try:
        found = None if text is None else from_json(text)
    except (ValueError, KeyError, TypeError):
        return None  # an unreadable cache is an empty one
    return found and replace(found, fingerprints={px: source.fingerprint(px) for px in resolutions})


def save(source: DataSource, index: DataIndex) -> None:
    """Cache an index for `load_cached`."""
    cache.write(_KIND, _key(source, index.fingerprints), to_json(index))


def to_json(index: DataIndex) -> str:
    """One JSON object with the fields of the index."""
    return json.dumps(
        {
            "name": index.name,
            "class_names": index.class_names,
            "fingerprints": index.fingerprints,
            "splits": {
                split: {"ids": part.ids, "labels": part.labels.tolist()} for split, part in index.splits.items()
            },
            "test_labels": None if index.test_labels is None else index.test_labels.tolist(),
            **index.duplicates,
        }
    )


def from_json(text: str) -> DataIndex:
    """The inverse of `to_json`.

    Raises:
        ValueError, KeyError, TypeError: the text is something else.
    """
    fields: dict[str, Any] = json.loads(text)
    test_labels = fields["test_labels"]
    return DataIndex(
        name=fields["name"],
        class_names=tuple(fields["class_names"]),
        fingerprints={int(px): digest for px, digest in fields["fingerprints"].items()},
        splits={
            split: SplitIndex(tuple(part["ids"]), np.array(part["labels"], np.int64))
            for split, part in fields["splits"].items()
        },
        test_labels=None if test_labels is None else np.array(test_labels, np.int64),
        val_duplicates=fields["val_duplicates"],
        test_duplicates=fields["test_duplicates"],
    )


def _key(source: DataSource, px_list: Iterable[int]) -> str:
    # The answers are no part of a fingerprint, they change no run; but they do change the index.
    answers = None if source.answers is None else hashlib.sha256(source.answers.read_bytes()).hexdigest()
    sides = sorted({source.stored_px(px) for px in px_list})
    prints = {px: source.fingerprint(px) for px in sides}
    return hashlib.sha256(json.dumps([_VERSION, source.name, prints, answers]).encode()).hexdigest()


def find_made(data: str) -> DataSource | None:
    """The data set as it is now; None: the sample, which is not drawn yet.

    Raises:
        UserError: as `find_data`.
    """
    return None if data == SAMPLE and not is_made() else find_data(data)


def checked_index(
    data: str, source: DataSource | None, resolutions: Sequence[int], log: Path, hear: Callable[[Progress], object]
) -> DataIndex:
    """The index of a data set: from the cache, else from a child, which draws the sample if needed and checks it all.

    Args:
        data: the data set as the command line names it.
        source: its files; None: the sample, not drawn yet.
        resolutions: sides in pixels, stored or made from larger ones.
        log: the file that receives everything the child prints.
        hear: called with the child's progress.

    Raises:
        UserError: a fault in the data, the child died, or the index cannot be kept.
    """
    index = load_cached(source, resolutions) if source else None
    if index is not None:
        return index

    def progress(event: object) -> None:
        if isinstance(event, Progress):
            hear(event)

    ask(PrepareJob(data=data, resolutions=tuple(resolutions)), log, progress, "Checking the data set")
    index = load_cached(source or find(data), resolutions)
    if index is None:
        raise UserError(f"The index of '{data}' cannot be kept in '{home()}'. Set PETALBENCH_HOME elsewhere.")
    return index
