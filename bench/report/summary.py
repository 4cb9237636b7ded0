"""The page: the conclusion first, then the numbers, then the method."""

from __future__ import annotations

from collections.abc import Mapping

from bench.report.frame.ranking import Ranking
from bench.report.markdown import escape, page
from bench.report.sections.anatomy import anatomy
from bench.report.sections.cautions import cautions
from bench.report.sections.costs import fronts, resolution
from bench.report.sections.ensembles import ensembles
from bench.report.sections.failures import failures
from bench.report.sections.method import method, reproduce
from bench.report.sections.results import details, legend, results, seeds
from bench.report.sections.training import learning_curves, rates, schedules
from bench.report.sections.verdict import verdict

RECOMMENDATION = "recommendation.md"  # written by `bench recommend` beside summary.md


def summary(ranking: Ranking, pictures: Mapping[str, str], *, shared_data: bool, advised: bool = False) -> str:
    """The whole page as markdown.

    Args:
        ranking: the rows.
        pictures: file name -> markdown, of the figures that were drawn.
        shared_data: the store holds other data sets too.
        advised: a recommendation for this data set is beside the page.
    """
    data = escape(ranking.fact("data"))
    title = f"# Backbones on {data}: macro F1 and its cost" if data else "# Backbones: macro F1 and its cost"
    other = f"The store holds other data sets too; this page is about {data} alone." if shared_data else ""
    link = f"Recommendation for a budget, from the last `recommend`: [{RECOMMENDATION}]({RECOMMENDATION})."
    opening = [title, cautions(ranking), verdict(ranking), _setting(ranking), other, link if advised else ""]
    sections = {
        "Seeds": seeds(ranking),
        "Results": [*results(ranking), *legend(ranking)],
        "Ensembles": [*ensembles(ranking), *anatomy(ranking, pictures)],
        "Accuracy versus cost": fronts(ranking, pictures),
        "Gain from resolution": resolution(ranking),
        "Learning rates": rates(ranking),
        "Learning curves": learning_curves(ranking, pictures),
        "Schedule": schedules(ranking, pictures),
        "Failures": failures(ranking),
        "Details": details(ranking),
        "How it was measured": method(ranking),
        "Reproduce": reproduce(ranking, shared_data=shared_data),
    }
    return page(opening, sections)


def advice_title(data: str) -> str:
    """The start of the title of a recommendation; its budget follows."""
    return f"# Recommendation for {escape(data)}:"


def _setting(ranking: Ranking) -> str:
    """One line: images, classes, weights, device, and counts of rows."""
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
