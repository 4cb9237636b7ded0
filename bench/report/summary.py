"""The two pages: summary.md, the conclusion and its numbers on two screens, and details.md, the rest."""

from __future__ import annotations

from collections.abc import Mapping

from bench.report import numbers
from bench.report.frame.ranking import Ranking
from bench.report.markdown import columns_table, escape, page
from bench.report.sections import details as full
from bench.report.sections.anatomy import anatomy
from bench.report.sections.cautions import cautions
from bench.report.sections.costs import fronts, resolution
from bench.report.sections.ensembles import ensembles, other_ensembles
from bench.report.sections.failures import failures, logs
from bench.report.sections.method import method, method_in_full, reproduce
from bench.report.sections.results import floor, legend, results
from bench.report.sections.training import learning_curves, rates, schedules
from bench.report.sections.verdict import verdict

RECOMMENDATION = "recommendation.md"  # written by `bench recommend` beside summary.md
DETAILS = "details.md"


def summary(ranking: Ranking, pictures: Mapping[str, str], *, shared_data: bool, advised: bool = False) -> str:
    """The page to read first, as markdown.

    Args:
        ranking: the rows.
        pictures: file name -> markdown, of the figures that were drawn.
        shared_data: the store holds other data sets too.
        advised: a recommendation for this data set is beside the page.
    """
    data = escape(ranking.fact("data"))
    title = f"# Backbones on {data}: macro F1 and its cost" if data else "# Backbones: macro F1 and its cost"
    other = f"The store holds other data sets too; this page is about {data} alone." if shared_data else ""
    answer = verdict(ranking, shared_data=shared_data)
    opening = [
        title,
        cautions(ranking),
        *answer,
        other,
        f"{_setting(ranking)} {_links(ranking, advised=advised)}".strip(),
    ]
    sections = {
        "Results": [*results(ranking), *legend(ranking)],
        "Ensembles": ensembles(ranking),
        "Ensembles of other candidates": other_ensembles(ranking),
        "Accuracy versus cost": fronts(ranking, pictures),
        "Gain from resolution": resolution(ranking),
        "Random networks: the floor": floor(ranking),
        "Not compared": _not_compared(ranking),
        "Failures": failures(ranking),
        "How it was measured": method(ranking),
        "Reproduce": reproduce(ranking, shared_data=shared_data),
    }
    return page(opening, sections)


def details(ranking: Ranking, pictures: Mapping[str, str]) -> str:
    """The page of details, as markdown; empty without rows.

    Args:
        ranking: the rows.
        pictures: file name -> markdown, of the figures that were drawn.
    """
    if ranking.rows.empty:
        return ""
    data = escape(ranking.fact("data"))
    sections = {
        "Runs": full.runs(ranking),
        "Members of ensembles": full.ensembles(ranking),
        "Ensembles in sample": full.in_sample(ranking),
        "Inside the ensembles": anatomy(ranking, pictures),
        "Learning rates": rates(ranking),
        "Learning curves": learning_curves(ranking, pictures),
        "Schedule": schedules(ranking, pictures),
        "Logs of failed runs": logs(ranking),
        "How it was measured, in full": method_in_full(ranking),
    }
    title = f"# Details of the backbones on {data}" if data else "# Details of the backbones"
    return page([title, "The conclusion is in [summary.md](summary.md)."], sections)


def advice_title(data: str) -> str:
    """The start of the title of a recommendation; its budget follows."""
    return f"# Recommendation for {escape(data)}:"


def _links(ranking: Ranking, *, advised: bool) -> str:
    links = [] if ranking.rows.empty else [f"Every run, members, calibration and curves: [{DETAILS}]({DETAILS})."]
    if advised:
        links.append(f"Recommendation for a budget, from the last `recommend`: [{RECOMMENDATION}]({RECOMMENDATION}).")
    return " ".join(links)


def _not_compared(ranking: Ranking) -> list[str]:
    """Runs and ensembles of other images, with the reason."""
    rows = ranking.not_compared
    if rows.empty:
        return []
    columns = {
        "run": list(rows["label"]),
        "macro F1": numbers.score_column(rows, "score"),
        "images": numbers.whole(rows["val_images"]),
        "reason": list(rows["not_compared"]),
    }
    return [columns_table(columns, left=["run", "reason"])]


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
    apart = f", {ranking.floor['n'].sum()} random apart" if len(ranking.floor) else ""
    counts = {"run": len(ranking.runs), "ensemble": len(ranking.ensembles)}
    ranked = " and ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items())
    return f"; {ranked} ranked{apart}, {failed} failed."
