"""What is known of a data set before a file is read: from the runs already there, else from the data set itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.index import DataIndex, checked_index, find_made
from bench.data.source import USUAL_PX, names
from bench.jobs.progress import View
from bench.store.metrics import known_duplicates
from bench.store.selection import runs_of
from bench.store.store import Store, StoredRun

UNNAMED = "unnamed"


@dataclass(frozen=True)
class Reference:
    """Names, ids and labels to keep to; None where the file alone can say it.

    Attributes:
        where: whose they are, for messages.
        fingerprint: of the pictures; None where there are none.
        duplicates: fields of `Metrics` that count pictures which several splits hold.
    """

    data: str
    where: str
    fingerprint: str | None = None
    class_names: tuple[str, ...] | None = None
    val_ids: tuple[str, ...] | None = None
    val_labels: tuple[int, ...] | None = None
    test_ids: tuple[str, ...] | None = None
    test_labels: tuple[int, ...] | None = None
    duplicates: Mapping[str, int | None] = field(default_factory=dict)


def reference(store: Store, data: str | None) -> Reference:
    """Of the data set that is meant: a name or a folder; None means the only one in the store.

    Raises:
        UserError: several data sets in the store and none chosen, a folder that is no data set, or a damaged one.
    """
    if data is None:
        return _of_runs(runs_of(store, None)) if store.run_ids() else Reference(UNNAMED, f"'{UNNAMED}'")
    known = {run.result.data for run in store.runs()}
    name = data if data in known else Path(data).expanduser().name
    if name in known:
        return _of_runs(runs_of(store, name))
    if data in names() or Path(data).expanduser().is_dir() or name != data:
        return _of_index(_index(data, store))
    return Reference(data, f"'{data}'")


def _of_runs(runs: Sequence[StoredRun]) -> Reference:
    """Those of the first run that has test predictions, since a run may have none."""
    with_test = [run for run in runs if run.has("test")]
    run = (with_test or list(runs))[0]
    images = run.images
    return Reference(
        data=run.result.data,
        where=f"the runs of '{run.result.data}' in the store",
        fingerprint=images.data_fingerprint,
        class_names=images.class_names,
        val_ids=images.val_ids,
        val_labels=images.val_labels,
        test_ids=images.test_ids if with_test else None,
        test_labels=images.test_labels if with_test else None,
        duplicates=known_duplicates(run.result.metrics for run in runs),
    )


def _of_index(index: DataIndex) -> Reference:
    val, test = index.splits["val"], index.splits.get("test")
    return Reference(
        data=index.name,
        where=f"the data set '{index.name}'",
        fingerprint=min(index.fingerprints.items())[1],
        class_names=index.class_names,
        val_ids=val.ids,
        val_labels=tuple(val.labels.tolist()),
        test_ids=None if test is None else test.ids,
        test_labels=None if index.test_labels is None else tuple(index.test_labels.tolist()),
        duplicates=index.duplicates,
    )


def _index(data: str, store: Store) -> DataIndex:
    """The index of the smallest resolution."""
    source = find_made(data)
    smallest = source.resolutions[:1] if source else USUAL_PX[:1]
    with View({}) as view:
        return checked_index(data, source, smallest, store.log("prepare"), view.progress)
