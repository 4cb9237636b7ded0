"""The page: what to conclude first, then the numbers, then how they came about."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bench.report.figures.curves import left_out
from bench.report.figures.schedule import differs
from bench.report.files import RECOMMENDATION
from bench.report.frame.configurations import seeds
from bench.report.frame.inputs import ReportInput
from bench.report.frame.points import front_lines
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape, wrap
from bench.report.sections import anatomy
from bench.report.sections.cautions import cautions
from bench.report.sections.details import details
from bench.report.sections.ensembles import ensembles
from bench.report.sections.failures import failures
from bench.report.sections.method import method, reproduce
from bench.report.sections.rates import rates
from bench.report.sections.resolution import resolution
from bench.report.sections.results import legend, results
from bench.report.sections.verdict import verdict

SCATTER, CURVES, SCHEDULE = "accuracy-versus-cost.png", "learning-curves.png", "schedule.png"
GREEDY, RELIABILITY = "greedy-selection.png", "reliability.png"

_ADVISED = f"What to take for a budget: [{RECOMMENDATION}]({RECOMMENDATION}), as `recommend` was asked last."
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


def summary(
    ranking: Ranking, inputs: ReportInput, figures: Collection[str], *, shared_data: bool, advised: bool = False
) -> str:
    """The whole page as markdown; `figures` are the names of those drawn; `advised`: `recommend` was asked."""
    sections: Mapping[str, list[str]] = {
        "Seeds": _seeds(ranking),
        "Results": [results(ranking), legend() if len(ranking.current) else ""],
        "Ensembles": _ensembles(ranking, inputs, figures),
        "Accuracy versus cost": _scatter(ranking, figures),
        "What resolution buys": _resolution(ranking),
        "Learning rates": rates(ranking),
        "Learning curves": _curves(ranking, inputs, figures),
        "Schedule": _schedule(inputs, figures),
        "Failures": [failures(ranking, inputs.failures)],
        "Details": [details(ranking)],
        "How it was measured": [method(ranking, inputs.about)],
        "Reproduce": [reproduce(ranking, inputs.about, shared_data)],
    }
    parts = _opening(ranking, shared_data) + [_ADVISED] * advised
    for title, section in sections.items():
        body = [part for part in section if part]
        parts += [f"## {title}", *body] if body else []
    return wrap("\n\n".join(parts)) + "\n"


def _opening(ranking: Ranking, shared_data: bool) -> list[str]:
    data = escape(ranking.fact("data"))
    parts = [f"# Backbones on {data}: macro F1 and its cost" if data else "# Backbones: macro F1 and its cost"]
    other = f"The store holds other data sets too; this page is about {data} alone." if shared_data else ""
    return [part for part in [*parts, cautions(ranking), verdict(ranking), _setting(ranking), other] if part]


def _setting(ranking: Ranking) -> str:
    """One line of what was run on what."""
    splits = {"training": "train_images", "validation": "val_images", "test": "test_images"}
    images = [f"{count} {name}" for name, column in splits.items() if (count := ranking.fact(column))]
    facts = {
        "Classes": ranking.fact("classes"),
        "images": ", ".join(images),
        "weights": ranking.fact("weights"),
        "device": ranking.fact("device"),
    }
    return "; ".join(f"{name}: {escape(value)}" for name, value in facts.items() if value) + _counts(ranking)


def _counts(ranking: Ranking) -> str:
    if ranking.rows.empty:
        return ""
    failed = int((ranking.current["status"] != "ok").sum())
    counts = {"run": len(ranking.runs), "ensemble": len(ranking.ensembles)}
    ranked = " and ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items())
    return f"; {ranked} ranked, {failed} failed."


def _seeds(ranking: Ranking) -> list[str]:
    found = seeds(ranking)
    return [found, "sd is over seeds (n - 1); n runs differ in nothing but their seed."] if found else []


def _ensembles(ranking: Ranking, inputs: ReportInput, figures: Collection[str]) -> list[str]:
    note = (
        "Sorted by the cross-fitted F1, the fair one. Every candidate had to be trained to choose among them, for the "
        "best single run as for an ensemble; the members alone are what it takes to train the choice again."
    )
    found = ensembles(ranking)
    if not found:
        return []
    inside = [part for title, body in _inside(ranking, inputs, figures).items() for part in _titled(title, body)]
    return [found, note, _test_note(ranking), anatomy.notes(ranking, inputs), *inside]


def _inside(ranking: Ranking, inputs: ReportInput, figures: Collection[str]) -> Mapping[str, list[str]]:
    differences, calibration = anatomy.differences(ranking, inputs), anatomy.calibration(ranking, inputs)
    return {
        "How members differ": [differences, _DIFFERENCES] if differences else [],
        "Classes fixed and broken": [anatomy.changes(ranking, inputs)],
        "Calibration": [
            *([calibration, _CALIBRATION] if calibration else []),
            *_picture(RELIABILITY, "Accuracy against confidence of the best ensemble", figures),
        ],
        "Greedy selection": [
            anatomy.greedy(ranking, inputs),
            *_picture(GREEDY, "Macro F1 of greedy selection against members and their cost", figures),
        ],
        "Cascade": [anatomy.cascade(ranking, inputs)],
    }


def _titled(title: str, body: list[str]) -> list[str]:
    parts = [part for part in body if part]
    return [f"### {title}", *parts] if parts else []


def _test_note(ranking: Ranking) -> str:
    bare = ranking.current[ranking.current["test_macro_f1"].notna() & ranking.current["test_macro_f1_low"].isna()]
    return f"Test F1 has no interval: {ranking.fact('test_images')} images are too few for one." if len(bare) else ""


def _scatter(ranking: Ranking, figures: Collection[str]) -> list[str]:
    picture = _picture(SCATTER, "Macro F1 against training seconds and against inference time", figures)
    note = (
        "Bars are 95 % intervals over the validation images, of several seeds their mean. On the front nothing is both "
        "cheaper and better; its steps may be smaller than the noise. Hollow points ran on another device and are not "
        "on it. The front:"
    )
    return [*picture, note, front_lines(ranking)] if picture else []


def _resolution(ranking: Ranking) -> list[str]:
    note = (
        "+/- is the half width of a 95 % interval of the difference as if both had been scored on different images; "
        "they share theirs, so the true one is narrower."
    )
    found = resolution(ranking)
    return [found, note] if found else []


def _curves(ranking: Ranking, inputs: ReportInput, figures: Collection[str]) -> list[str]:
    picture = _picture(CURVES, "Loss and validation macro F1 per epoch", figures)
    missing = [escape(title) for title in left_out(ranking, inputs)]
    note = f"Not drawn, being further down the ranking: {', '.join(missing)}." if missing else ""
    return [*picture, note]


def _schedule(inputs: ReportInput, figures: Collection[str]) -> list[str]:
    recipes = bullets([f"**{escape(name)}**: {escape(text)}" for name, text in sorted(inputs.recipes.items())])
    odd = [escape(name) for name, frame in sorted(inputs.schedules.items()) if differs(frame)]
    note = f"As run, the rate differs from what the recipe says in: {', '.join(odd)}." if odd else ""
    return [*_picture(SCHEDULE, "Learning rate per epoch of every recipe", figures), recipes, note]


def _picture(name: str, caption: str, figures: Collection[str]) -> list[str]:
    return [f"![{caption}](figures/{name})"] if name in figures else []
