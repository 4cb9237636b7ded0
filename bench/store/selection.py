"""Selection of stored runs: those of one data set, those of the same images, the newest ensembles, the best run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.errors import UserError, unknown
from bench.store.result import Result
from bench.store.store import Store, StoredRun


def runs_of(store: Store, data: str | None) -> list[StoredRun]:
    """The finished runs and ensembles of one data set, sorted by name.

    Args:
        data: a name, or a folder with that base name; None: the only data set of the store.

    Raises:
        UserError: an empty store, several data sets and none chosen, or an unknown name.
    """
    runs = list(store.runs())
    known = sorted({run.result.data for run in runs})
    if not runs:
        raise UserError(
            f"No finished run in '{store.root}'. Train some first: python -m bench run --all, or choose --runs."
        )
    if data is None and len(known) > 1:
        raise UserError(f"'{store.root}' holds runs of several data sets: {', '.join(known)}. Choose one with --data.")
    wanted = known if data is None else [name for name in (data, Path(data).expanduser().name) if name in known]
    if not wanted:
        raise unknown("data set in the store", data or "", known)
    return [run for run in runs if run.result.data == wanted[0]]


def check_same_images(runs: Sequence[StoredRun]) -> None:
    """Refuses runs whose rows are not the same images, labels and classes.

    Raises:
        UserError: names two runs and the difference.
    """
    # The test ids of a run without test predictions do not matter.
    for group, difference_of in ((runs, _difference), ([run for run in runs if run.has("test")], _test_difference)):
        for other in group[1:]:
            difference = difference_of(group[0], other)
            if difference:
                pair = f"{group[0].run_id} and {other.run_id}"
                raise UserError(f"{pair} cannot be combined: {difference}. Name those that can with --members.")


def _test_difference(one: StoredRun, other: StoredRun) -> str | None:
    ours, theirs = one.images.test_ids, other.images.test_ids
    return None if ours == theirs else f"their test images differ{_example(ours, theirs)}"


def _difference(one: StoredRun, other: StoredRun) -> str | None:
    if one.result.data != other.result.data:
        return f"they are of the data sets '{one.result.data}' and '{other.result.data}'"
    ours, theirs = ((run.result.image_px, run.result.setup.image_source_px) for run in (one, other))
    if ours[0] is not None and ours == theirs and one.images.data_fingerprint != other.images.data_fingerprint:
        return f"the pictures of '{one.result.data}' changed between them (another fingerprint)"
    if one.images.class_names != other.images.class_names:
        return "their classes differ"
    if one.images.val_ids != other.images.val_ids:
        return f"their validation images differ{_example(one.images.val_ids, other.images.val_ids)}"
    return None if one.images.val_labels == other.images.val_labels else "their validation labels differ"


def _example(ours: Sequence[str], theirs: Sequence[str]) -> str:
    only = sorted(set(ours) ^ set(theirs))
    return f" (for example '{only[0]}')" if only else " in their order"


def superseded(results: Iterable[Result]) -> set[str]:
    """Ensembles for which a newer one of the same method and budget is stored."""
    newest: dict[tuple[str, float | None], Result] = {}
    older: set[str] = set()
    for result in sorted(results, key=lambda result: (result.finished, result.run_id)):
        if result.combination is not None:
            question = result.combination.method, result.combination.max_cost_ms
            older |= {newest[question].run_id} if question in newest else set()
            newest[question] = result
    return older


def best_single(results: Sequence[Result]) -> Result | None:
    """The run with the highest validation macro F1, then the lowest log-loss, of those that saw no validation image."""
    runs = [result for result in results if result.kind == "run" and not result.metrics.saw_validation]
    return min(runs, key=_place, default=None)


def _place(run: Result) -> tuple[float, float, str]:
    loss = run.metrics.log_loss
    return -run.metrics.macro_f1, math.inf if loss is None else loss, run.run_id
