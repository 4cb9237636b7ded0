"""Known facts of a data set that added predictions must match: of the stored runs, else of the data set itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.index import DataIndex, checked_index, find_made
from bench.data.source import USUAL_PX, names
from bench.jobs.progress import View
from bench.store.metrics import known_duplicates
from bench.store.selection import runs_of
from bench.store.store import Split, Store, StoredRun

UNNAMED = "unnamed"


@dataclass(frozen=True)
class KnownSplit:
    """Ids and labels of the N images of a split; None: unknown."""

    ids: tuple[str, ...] | None = None
    labels: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Reference:
    """Known facts of a data set that added predictions must match.

    Attributes:
        data: name of the data set.
        where: the source of the facts, for messages.
        splits: the known splits by name.
        fingerprint: of the pictures; None: no pictures.
        class_names: classes in label order; None: unknown.
        duplicates: fields of `Metrics` that count pictures which are in several splits.
    """

    data: str
    where: str
    splits: Mapping[Split, KnownSplit] = field(default_factory=dict)
    fingerprint: str | None = None
    class_names: tuple[str, ...] | None = None
    duplicates: Mapping[str, int | None] = field(default_factory=dict)


def reference(store: Store, data: str | None) -> Reference:
    """The known facts of a data set: a name or a folder; None: the only data set in the store.

    Raises:
        UserError: several data sets in the store and none chosen, a folder that is no data set, or a damaged one.
    """
    if data is None:
        return _of_runs(runs_of(store, None)) if store.run_ids() else Reference(UNNAMED, f"'{UNNAMED}'")
    stored = {run.result.data for run in store.runs()}
    name = data if data in stored else Path(data).expanduser().name
    if name in stored:
        return _of_runs(runs_of(store, name))
    if data in names() or Path(data).expanduser().is_dir() or name != data:
        return _of_index(_index(data, store))
    return Reference(data, f"'{data}'")


def _of_runs(runs: Sequence[StoredRun]) -> Reference:
    """Facts of the first run that has test predictions, else of the first run."""
    run = next((run for run in runs if run.has("test")), runs[0])
    images = run.images
    splits: dict[Split, KnownSplit] = {"val": KnownSplit(images.val_ids, images.val_labels)}
    if run.has("test"):
        splits["test"] = KnownSplit(images.test_ids, images.test_labels)
    return Reference(
        data=run.result.data,
        where=f"the runs of '{run.result.data}' in the store",
        splits=splits,
        fingerprint=images.data_fingerprint,
        class_names=images.class_names,
        duplicates=known_duplicates(run.result.metrics for run in runs),
    )


def _of_index(index: DataIndex) -> Reference:
    val = index.splits["val"]
    splits: dict[Split, KnownSplit] = {"val": KnownSplit(val.ids, tuple(val.labels.tolist()))}
    if "test" in index.splits:
        labels = None if index.test_labels is None else tuple(index.test_labels.tolist())
        splits["test"] = KnownSplit(index.splits["test"].ids, labels)
    return Reference(
        data=index.name,
        where=f"the data set '{index.name}'",
        splits=splits,
        fingerprint=min(index.fingerprints.items())[1],
        class_names=index.class_names,
        duplicates=index.duplicates,
    )


def _index(data: str, store: Store) -> DataIndex:
    """The index of the smallest resolution."""
    source = find_made(data)
    smallest = source.resolutions[:1] if source else USUAL_PX[:1]
    with View({}) as view, store.preparation_log() as log:
        return checked_index(data, source, smallest, log, view.progress)
