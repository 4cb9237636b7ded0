"""Selection of stored runs: those of one data set, those that can be compared, the current ensembles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.config.base import content_hash
from bench.errors import UserError, unknown
from bench.store.configuration import configurations
from bench.store.ensemble_result import Combination
from bench.store.result import Result
from bench.store.store import Images, Store, StoredRun


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
    """Ensembles for which another of the same candidates, method and budget was asked for later."""
    newest: dict[tuple[object, ...], Result] = {}
    older: set[str] = set()
    for result in sorted(results, key=_asked):
        if result.combination is not None:
            question = question_of(result.combination)
            older |= {newest[question].run_id} if question in newest else set()
            newest[question] = result
    return older


def question_of(made: Combination) -> tuple[object, ...]:
    """Candidates, method and budget of an ensemble: of one question, the ensemble asked for last is current."""
    return frozenset(made.candidates), made.method, made.max_cost_ms


def _asked(result: Result) -> tuple[str, str]:
    return result.asked or result.finished, result.run_id


def apart(runs: Sequence[StoredRun]) -> dict[str, str]:
    """Run_id -> reason, of runs and ensembles whose scores cannot be compared with those of the others.

    Scores are compared on the same validation images, labels and classes, of runs whose pictures did not change. Of
    several such groups, the one with the most configurations is compared; the order in which runs were stored does
    not matter. A run whose predictions were deleted is compared with none.
    """
    keyed = [(_images_key(run.images), run) for run in runs]
    main = _largest(keyed)
    same = [run for key, run in keyed if key == main]
    pictures: dict[tuple[object, ...], str] = {}
    for side in {side for run in same if (side := _side(run)) is not None}:
        pictures[side] = _largest([(run.result.data_fingerprint, run) for run in same if _side(run) == side])
    reasons = {run.run_id: "scored on other validation images, labels or classes" for run in runs}
    for run in same:
        side = _side(run)
        changed = side is not None and pictures[side] != run.result.data_fingerprint
        reasons[run.run_id] = "trained or scored on pictures that changed (another fingerprint)" if changed else ""
    reasons |= {run.run_id: "left without its predictions (val.npy)" for run in runs if _is_half_deleted(run)}
    found = {run_id: reason for run_id, reason in reasons.items() if reason}
    return found | {
        run.run_id: "a candidate cannot be compared with the other runs"
        for run in same
        if run.result.combination and not found.keys().isdisjoint(run.result.combination.candidates)
    }


def _is_half_deleted(run: StoredRun) -> bool:
    return run.result.kind == "run" and not run.paths.probabilities("val").is_file()


def _largest(keyed: Sequence[tuple[Any, StoredRun]]) -> Any:
    """The key of the most configurations, then of the most runs; of equals, the first in order of text."""
    found: dict[Any, list[StoredRun]] = {}
    for key, run in keyed:
        found.setdefault(key, []).append(run)
    return min(found, key=lambda key: (-len(configurations(found[key])), -len(found[key]), str(key)), default=None)


@lru_cache(maxsize=4)  # most runs share the object
def _images_key(images: Images) -> str:
    return content_hash([images.val_ids, images.val_labels, images.class_names])


def _side(run: StoredRun) -> tuple[object, ...] | None:
    """Resolution and source of the pictures, which have one fingerprint; None: added, or an ensemble."""
    result = run.result
    return None if result.image_px is None else (result.image_px, result.setup.image_source_px)
