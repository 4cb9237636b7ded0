"""Inside the ensembles: how members differ, which classes change, what probabilities are worth, who is picked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.report import numbers
from bench.report.frame.inputs import ReportInput
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape, table

Combination = Mapping[str, Any]


def best(ranking: Ranking, inputs: ReportInput) -> tuple[str, Combination] | None:
    """Label and anatomy of the ensemble with the best cross-fitted score of which one is kept."""
    return next(_known(ranking, inputs), None)


def of_method(ranking: Ranking, inputs: ReportInput, key: str) -> tuple[str, Combination] | None:
    """Label and anatomy of the best ensemble that has such a part, `greedy` or `cascade`."""
    return next(((label, found) for label, found in _known(ranking, inputs) if found.get(key)), None)


def labels(ranking: Ranking) -> dict[str, str]:
    """What runs are called, by run_id."""
    return dict(zip(ranking.rows["run_id"], ranking.rows["label"], strict=True))


def differences(ranking: Ranking, inputs: ReportInput) -> str:
    """How members differ: means over pairs of every ensemble, then the pairs of the best one; or nothing."""
    found = [(label, combination["diversity"]) for label, combination in _known(ranking, inputs)]
    cells = [[label, *_measures(diversity)] for label, diversity in found if diversity]
    if not cells:
        return ""
    means = table(["ensemble", "disagreement", "double fault", "Q"], cells, left=["ensemble"])
    return "\n\n".join(part for part in (means, _pairs(ranking, inputs)) if part)


def changes(ranking: Ranking, inputs: ReportInput) -> str:
    """The classes that the best ensemble fixes and breaks, or nothing."""
    found = best(ranking, inputs)
    if found is None or not found[1].get("class_changes"):
        return ""
    label, changed = found[0], found[1]["class_changes"]
    lead = (
        f"{escape(label)} against the best single run, both cross-fitted: F1 rises in {changed['risen']} classes and "
        f"falls in {changed['fallen']}."
    )
    cells = [_change(change) for change in [*changed["fixed"], *reversed(changed["broken"])]]
    if not cells:
        return lead
    return f"{lead}\n\n{table(['class', 'images', 'best single', 'ensemble', 'difference'], cells, left=['class'])}"


def calibration(ranking: Ranking, inputs: ReportInput) -> str:
    """Log-loss, Brier score and calibration error of every ensemble, before and after a temperature; or nothing."""
    found = [(label, combination["calibration"]) for label, combination in _known(ranking, inputs)]
    cells = [[label, *_sharpness(calibrated)] for label, calibrated in found if calibrated]
    headers = ["ensemble", "temperature", "log loss", "Brier", "calibration error"]
    return table(headers, cells, left=["ensemble"]) if cells else ""


def cascade(ranking: Ranking, inputs: ReportInput) -> str:
    """The stages of the cascade and its alternatives, or nothing."""
    found = of_method(ranking, inputs, "cascade")
    if found is None:
        return ""
    path, names = found[1]["cascade"], labels(ranking)
    chosen = path["chosen"]
    if len(chosen["stages"]) == 1:
        only = escape(names.get(chosen["stages"][0], chosen["stages"][0]))
        return f"No cascade that was tried scored better than {only} alone.\n\n{_front(path, names)}"
    lines = [
        f"{share:.0%} of the images run {escape(names.get(stage, stage))}"
        for stage, share in zip(chosen["stages"], chosen["reach"], strict=True)
    ]
    rest = f"an image goes on while its highest mean probability is below {chosen['threshold']:.3f}"
    lead = f"{'; '.join(lines)}; {rest}."
    return f"{lead}\n\n{_front(path, names)}"


def greedy(ranking: Ranking, inputs: ReportInput) -> str:
    """What greedy selection kept, and what its score was worth on other images; or nothing."""
    found = of_method(ranking, inputs, "greedy")
    if found is None:
        return ""
    path = found[1]["greedy"]
    kept = path["steps"][path["kept"] - 1]
    frame = pd.DataFrame(path["steps"])
    return (
        f"Greedy selection kept {path['kept']} of {len(frame)} picks, {kept['members']} different members. On the "
        f"images it was fitted on it went from {numbers.score(frame['macro_f1'].iloc[0])} to "
        f"{numbers.score(kept['macro_f1'])}; picked on some folds and scored on the others, from "
        f"{numbers.score(frame['macro_f1_held_out'].iloc[0])} to {numbers.score(kept['macro_f1_held_out'])}."
    )


def notes(ranking: Ranking, inputs: ReportInput) -> str:
    """What became of members and candidates, as a list, or nothing."""
    names, lines = labels(ranking), dict[str, None]()
    for label, combination in _known(ranking, inputs):
        for run_id, state in combination.get("states", {}).items():
            if state:
                lines[f"{escape(label)} cannot be combined again: its member {escape(run_id)} {state}."] = None
        for run in combination.get("left_out", ()):
            lines[f"Left out: {escape(names.get(run['run_id'], run['run_id']))}; {escape(run['reason'])}."] = None
    return bullets(list(lines))


def _known(ranking: Ranking, inputs: ReportInput) -> Iterator[tuple[str, Combination]]:
    """Labels and anatomies, the best ensemble first."""
    rows = ranking.ensembles
    for label, run_id in zip(rows["label"], rows["run_id"], strict=True):
        if run_id in inputs.combinations:
            yield str(label), inputs.combinations[run_id]


def _measures(measured: Mapping[str, Any]) -> list[str]:
    return [numbers.score(measured[name]) for name in ("disagreement", "double_fault")] + [_q(measured["q"])]


def _q(value: float | None) -> str:
    return numbers.gain(math.nan if value is None else value, 2)


def _pairs(ranking: Ranking, inputs: ReportInput) -> str:
    found = best(ranking, inputs)
    if found is None or not found[1].get("diversity") or len(found[1]["diversity"]["pairs"]) < 2:
        return ""
    names = labels(ranking)
    pairs = sorted(found[1]["diversity"]["pairs"], key=lambda pair: (-pair["disagreement"], pair["one"], pair["other"]))
    cells = [[*(names.get(pair[side], pair[side]) for side in ("one", "other")), *_measures(pair)] for pair in pairs]
    headers = [f"members of {found[0]}", "and", "disagreement", "double fault", "Q"]
    return table(headers, cells, left=headers[:2])


def _change(change: Mapping[str, Any]) -> list[str]:
    before, after = change["before"], change["after"]
    scores = [numbers.score(before), numbers.score(after), numbers.gain(after - before)]
    return [change["name"], f"{change['images']:,}", *scores]


def _sharpness(calibrated: Mapping[str, Any]) -> list[str]:
    sides = calibrated["before"], calibrated["after"]
    names = ("log_loss", "brier", "calibration_error")
    return [
        numbers.significant(calibrated["temperature"]),
        *(" → ".join(numbers.score(side[name]) for side in sides) for name in names),
    ]


def _front(path: Mapping[str, Any], names: Mapping[str, str]) -> str:
    points: Sequence[Mapping[str, Any]] = path["front"]
    chosen = [point for point in points if point == path["chosen"]]
    shown = _thinned([point for point in points if point not in chosen], 6) + chosen
    shown.sort(key=lambda point: point["ms_per_image"])
    milliseconds = numbers.column(point["ms_per_image"] for point in shown)
    cells = [
        [
            " → ".join(names.get(stage, stage) for stage in point["stages"]) + " (chosen)" * (point in chosen),
            f"{point['threshold']:.3f}" if len(point["stages"]) > 1 else numbers.MISSING,
            cost,
            numbers.score(point["macro_f1"]),
        ]
        for point, cost in zip(shown, milliseconds, strict=True)
    ]
    return table(["stages", "threshold", "ms/image used", "fit F1"], cells, left=["stages"])


def _thinned(points: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """At most so many of them, evenly spread."""
    if len(points) <= most:
        return list(points)
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]
