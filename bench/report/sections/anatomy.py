"""Inside the ensembles: differences of members, classes that change, calibration, greedy selection, the cascade."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.report import numbers
from bench.report.figures import greedy, reliability
from bench.report.frame.points import thinned
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape, table, titled

_DIFFERENCES = (
    "**Disagreement**: share of validation images on which two members predict different classes, mean over pairs. "
    "**Double fault**: share on which both are wrong. **Q** of their hits: 1, they err on the same images; 0, "
    "independently."
)
_CALIBRATION = (
    "Of held-out probabilities, as combined → with one temperature, fitted on other folds; above 1 the probabilities "
    "were too sure. A temperature changes no prediction. **Calibration error**: mean distance of confidence from "
    "accuracy over 15 bins."
)


def anatomy(ranking: Ranking, pictures: Mapping[str, str]) -> list[str]:
    """Notes on members and candidates, then a subsection for each part that an ensemble kept."""
    subsections = {
        "Diversity of members": _differences(ranking),
        "Classes fixed and broken": _changes(ranking),
        "Calibration": [*_calibration(ranking), pictures.get(reliability.NAME, "")],
        "Greedy selection": [_greedy(ranking), pictures.get(greedy.NAME, "")],
        "Cascade": _cascade(ranking),
    }
    parts = [part for title, body in subsections.items() for part in titled(f"### {title}", body)]
    return [_notes(ranking), *parts]


def _notes(ranking: Ranking) -> str:
    """Members that changed or are gone, and runs that were no candidates."""
    lines = dict[str, None]()
    for label, combination in ranking.combinations:
        for run_id, state in combination.get("states", {}).items():
            if state:
                lines[f"{escape(label)} cannot be combined again: its member {escape(run_id)} {state}."] = None
        for run in combination.get("left_out", ()):
            lines[f"Left out: {escape(_label(ranking, run['run_id']))}; {escape(run['reason'])}."] = None
    return bullets(list(lines))


def _differences(ranking: Ranking) -> list[str]:
    """Means over pairs of every ensemble, then the pairs of the best one."""
    known = [(label, combination["diversity"]) for label, combination in ranking.combinations]
    cells = [[label, *_measures(diversity)] for label, diversity in known if diversity]
    if not cells:
        return []
    means = table(["ensemble", "disagreement", "double fault", "Q"], cells, left=["ensemble"])
    return [means, _pairs(ranking), _DIFFERENCES]


def _pairs(ranking: Ranking) -> str:
    label, combination = ranking.combinations[0]
    if not combination["diversity"] or len(combination["diversity"]["pairs"]) < 2:
        return ""
    pairs = combination["diversity"]["pairs"]
    pairs = sorted(pairs, key=lambda pair: (-pair["disagreement"], pair["one"], pair["other"]))
    cells = [[*(_label(ranking, pair[side]) for side in ("one", "other")), *_measures(pair)] for pair in pairs]
    headers = [f"members of {label}", "and", "disagreement", "double fault", "Q"]
    return table(headers, cells, left=headers[:2])


def _measures(measured: Mapping[str, Any]) -> list[str]:
    q = math.nan if measured["q"] is None else measured["q"]
    return [*(numbers.score(measured[name]) for name in ("disagreement", "double_fault")), numbers.gain(q, 2)]


def _changes(ranking: Ranking) -> list[str]:
    """The classes whose F1 the best ensemble raises and lowers."""
    if not ranking.combinations or not ranking.combinations[0][1].get("class_changes"):
        return []
    label, changed = ranking.combinations[0][0], ranking.combinations[0][1]["class_changes"]
    lead = (
        f"{escape(label)} against the best single run, both cross-fitted: F1 rises in {changed['risen']} classes and "
        f"falls in {changed['fallen']}."
    )
    cells = [_change(change) for change in [*changed["fixed"], *reversed(changed["broken"])]]
    headers = ["class", "images", "best single", "ensemble", "difference"]
    return [lead, table(headers, cells, left=["class"]) if cells else ""]


def _change(change: Mapping[str, Any]) -> list[str]:
    before, after = change["before"], change["after"]
    scores = [numbers.score(before), numbers.score(after), numbers.gain(after - before)]
    return [change["name"], f"{change['images']:,}", *scores]


def _calibration(ranking: Ranking) -> list[str]:
    """Log-loss, Brier score and calibration error of every ensemble, before and after a temperature."""
    known = [(label, combination["calibration"]) for label, combination in ranking.combinations]
    cells = [[label, *_sharpness(calibrated)] for label, calibrated in known if calibrated]
    headers = ["ensemble", "temperature", "log loss", "Brier", "calibration error"]
    return [table(headers, cells, left=["ensemble"]), _CALIBRATION] if cells else []


def _sharpness(calibrated: Mapping[str, Any]) -> list[str]:
    sides = calibrated["before"], calibrated["after"]
    names = ("log_loss", "brier", "calibration_error")
    return [
        numbers.significant(calibrated["temperature"]),
        *(" → ".join(numbers.score(side[name]) for side in sides) for name in names),
    ]


def _greedy(ranking: Ranking) -> str:
    """The picks that greedy selection kept, with their fit score and their held-out score."""
    found = ranking.combination_with("greedy")
    if found is None:
        return ""
    path = found[1]["greedy"]
    kept = path["steps"][path["kept"] - 1]
    frame = pd.DataFrame(path["steps"])
    return (
        f"Greedy selection kept {path['kept']} of {len(frame)} picks, {kept['members']} different members. On the "
        f"images of the fit its score went from {numbers.score(frame['macro_f1'].iloc[0])} to "
        f"{numbers.score(kept['macro_f1'])}; picked on some folds and scored on the others, from "
        f"{numbers.score(frame['macro_f1_held_out'].iloc[0])} to {numbers.score(kept['macro_f1_held_out'])}."
    )


def _cascade(ranking: Ranking) -> list[str]:
    """The stages of the cascade and its alternatives."""
    found = ranking.combination_with("cascade")
    if found is None:
        return []
    path = found[1]["cascade"]
    chosen = path["chosen"]
    if len(chosen["stages"]) == 1:
        only = escape(_label(ranking, chosen["stages"][0]))
        return [f"No cascade scored better than {only} alone.", _front(ranking, path)]
    lines = [
        f"{share:.0%} of the images run {escape(_label(ranking, stage))}"
        for stage, share in zip(chosen["stages"], chosen["reach"], strict=True)
    ]
    rest = f"an image goes on while its highest mean probability is below {chosen['threshold']:.3f}"
    return [f"{'; '.join(lines)}; {rest}.", _front(ranking, path)]


def _front(ranking: Ranking, path: Mapping[str, Any]) -> str:
    points: Sequence[Mapping[str, Any]] = path["front"]
    chosen = [point for point in points if point == path["chosen"]]
    shown = thinned([point for point in points if point not in chosen], 6) + chosen
    shown.sort(key=lambda point: point["ms_per_image"])
    milliseconds = numbers.column(point["ms_per_image"] for point in shown)
    cells = [
        [
            " → ".join(_label(ranking, stage) for stage in point["stages"]) + " (chosen)" * (point in chosen),
            f"{point['threshold']:.3f}" if len(point["stages"]) > 1 else numbers.MISSING,
            cost,
            numbers.score(point["macro_f1"]),
        ]
        for point, cost in zip(shown, milliseconds, strict=True)
    ]
    return table(["stages", "threshold", "ms/image used", "F1 in sample"], cells, left=["stages"])


def _label(ranking: Ranking, run_id: str) -> str:
    return ranking.labels.get(run_id, run_id)
