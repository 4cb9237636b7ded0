"""What commands say when they are done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.ensemble_runs.comparison import BASELINE_LABEL, Comparison
from bench.store.ensemble_result import Combination
from bench.store.result import Result


def tell_ensemble(result: Result, page: Path, as_json: bool) -> None:
    """The scores and members of an ensemble, for people or as JSON."""
    if as_json:
        print(result.model_dump_json(indent=1))
        return
    combination = result.combination
    if combination is None:
        raise ValueError(f"{result.run_id} is not an ensemble")
    print(f"{result.run_id} of {len(combination.members)} members, from {len(combination.candidates)} candidates:")
    for member in sorted(combination.members, key=lambda member: -member.weight):
        print(f"  {member.weight:5.3f}  {member.run_id}")
    print(_cascade(combination), end="")
    scores = f"cross-fitted {combination.cross_fitted:.3f}, fitted {combination.fit_score:.3f}"
    print(f"macro F1 on validation: {scores}{_test(result)}")
    print(_gain(combination))
    print(f"Report: {page}")


def tell_comparison(comparison: Comparison, page: Path, as_json: bool) -> None:
    """All methods in one table, best first, then what may be concluded from it; or the same as JSON."""
    rows = comparison.rows()
    if as_json:
        print(json.dumps({"methods": rows, "skipped": dict(comparison.skipped), "report": str(page)}, indent=1))
        return
    from tabulate import tabulate  # a twentieth of a second that one method need not wait for

    print(
        tabulate(
            [_cells(row, row is rows[0]) for row in rows], headers="keys", tablefmt="simple", disable_numparse=True
        )
    )
    print(conclusion(rows))
    print(f"Report: {page}")


def conclusion(rows: list[dict[str, Any]]) -> str:
    """What the differences between methods are worth, given the noise."""
    first, *others = rows
    if rows[-1]["low"] is None and first["low"] is None:
        return "With so few images no two methods can be told apart."
    tied = [row["method"] for row in others if row["tied_with_first"]]
    if first["method"] == BASELINE_LABEL:
        return "No ensemble is above taking the best single run."
    if not others or len(tied) == len(others):
        return f"All differences from {first['method']} are within the noise."
    within = f"within the noise of it: {', '.join(tied)}" if tied else "every other is below it by more than the noise"
    return f"{first['method']} is first; {within}."


def _cells(row: Mapping[str, Any], is_first: bool) -> dict[str, str]:
    return {
        "method": row["method"],
        "cross-fitted F1": f"{row['cross_fitted']:.3f}{_bounds(row['low'], row['high'], '.3f')}",
        "fit F1": _number(row["fitted"], ".3f"),
        "over best single": f"{_number(row['gain'], '+.3f')}{_bounds(row['gain_low'], row['gain_high'], '+.3f')}",
        "to the first": "" if is_first else "within noise" if row["tied_with_first"] else "below it",
        "members": str(row["members"]),
        "ms/image": _number(row["ms_per_image"], ".1f"),
        "test F1": _number(row["test"], ".3f"),
    }


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _bounds(low: float | None, high: float | None, form: str) -> str:
    return "" if low is None or high is None else f" [{low:{form}}, {high:{form}}]"


def _cascade(combination: Combination) -> str:
    if combination.cascade is None:
        return ""
    point = combination.cascade.chosen
    stages = ", then ".join(f"{share:.0%} on {stage}" for stage, share in zip(point.stages, point.reach, strict=True))
    return f"Images run: {stages}; {point.ms_per_image:.3g} ms per image, going on below {point.threshold:.3g}.\n"


def _test(result: Result) -> str:
    found = result.metrics.test_macro_f1
    return "" if found is None else f"; on test {found:.3f} ({result.metrics.test_images} images)"


def _gain(combination: Combination) -> str:
    if combination.gain is None:
        return ""
    gain = f"Against the best single run, cross-fitted alike: {combination.gain:+.3f}"
    if combination.gain_low is None or combination.gain_high is None:
        return f"{gain} (too few images for an interval)."
    within = combination.gain_low <= 0 <= combination.gain_high
    verdict = "within the noise" if within else "more than the noise"
    return f"{gain} (95 % interval {combination.gain_low:+.3f} to {combination.gain_high:+.3f}: {verdict})."
