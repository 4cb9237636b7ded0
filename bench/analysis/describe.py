"""One run in full, as plain data and as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from bench.analysis.rows import ensemble_scores
from bench.ensemble_runs.candidates import HELD_OUT, member_states
from bench.store.store import Store, StoredRun
from ensembles.metrics import per_class_f1

# Parts of a combination that the report shows, or that `result_of` has among the metrics.
_INSIDE = frozenset(
    {"members", "greedy", "cascade", "diversity", "class_changes", "calibration", "held_out", "fit_score"}
)


def as_dict(run: StoredRun, store: Store | None = None) -> dict[str, Any]:
    """Configuration, environment, result, history, per-class F1, state of an ensemble's members, failed attempt."""
    return {
        "config": run.config,
        "environment": run.environment,
        "result": result_of(run),
        "history": [] if run.history is None else run.history.to_dict("records"),
        "per_class": _per_class(run),
        "members": [] if store is None else _members(run, store),
        "failed_attempt": None if store is None else _failed_attempt(run, store),
    }


def result_of(run: StoredRun) -> dict[str, Any]:
    """Content of result.json; of an ensemble, with held-out scores, those on the images of the fit named in-sample."""
    content = run.result.model_dump(mode="json")
    if run.result.combination is not None:
        content["metrics"] |= ensemble_scores(run)
    return content


def describe_run(content: Mapping[str, Any], folder: Path) -> str:
    """The content of `as_dict` as text, without the parts of an ensemble that only the report shows."""
    sections = [
        (content["result"]["run_id"], tabulate(_flat(_outside(content["result"])), tablefmt="plain")),
        ("Members", tabulate(content["members"], headers="keys", tablefmt="simple", floatfmt=".3f")),
        ("Asked for", tabulate(_flat(content["config"]), tablefmt="plain")),
        ("Environment", tabulate(_flat(content["environment"]), tablefmt="plain")),
        ("Epochs", tabulate(content["history"], headers="keys", tablefmt="simple", floatfmt=".4g")),
        ("Classes, validation", tabulate(content["per_class"], headers="keys", tablefmt="simple", floatfmt=".3f")),
        ("Failed attempt", _attempt_line(content["failed_attempt"])),
        ("Folder", str(folder)),
    ]
    return "\n\n".join(f"{title}\n{body}" for title, body in sections if body)


def _outside(result: Mapping[str, Any]) -> dict[str, Any]:
    if not result["combination"]:
        return dict(result)
    outer = {name: value for name, value in result["combination"].items() if name not in _INSIDE}
    return {**result, "combination": outer}


def _members(run: StoredRun, store: Store) -> list[dict[str, Any]]:
    combination = run.result.combination
    if combination is None:
        return []
    states = member_states(store, combination)
    return [
        {"member": member.run_id, "weight": member.weight, "state": states[member.run_id] or "in the store"}
        for member in combination.members
    ]


def _failed_attempt(run: StoredRun, store: Store) -> dict[str, Any] | None:
    failure = store.failure(run.run_id)
    return None if failure is None else failure.model_dump(include={"when", "kind", "reason", "seconds"})


def _attempt_line(attempt: Mapping[str, Any] | None) -> str:
    return "{when}, after {seconds:.1f} s ({kind}): {reason}".format(**attempt) if attempt else ""


def _per_class(run: StoredRun) -> list[dict[str, Any]]:
    names, labels = run.images.class_names, np.array(run.images.val_labels)
    # Of an ensemble, held-out predictions of each repeat.
    held_out = run.arrays.get(HELD_OUT)
    repeats = [run.log_probs("val").argmax(axis=1)] if held_out is None else held_out
    scores = np.mean([per_class_f1(labels, predicted, len(names)) for predicted in repeats], axis=0)
    counts = np.bincount(labels, minlength=len(names))
    return [
        {"class": name, "images": int(count), "f1": float(found)}
        for name, count, found in zip(names, counts, scores, strict=True)
    ]


def _flat(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested mappings as dotted names, without None."""
    rows: list[tuple[str, Any]] = []
    for name, value in content.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        elif value is not None:
            rows.append((prefix + name, ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value))
    return rows
