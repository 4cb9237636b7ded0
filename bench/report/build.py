"""Write the report: the figures, the CSV, and last the page that links them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from bench.report.figures import curves, greedy, reliability, scatter, schedule
from bench.report.figures.stamp import KEY, bears, stamp
from bench.report.figures.style import house_style, save
from bench.report.files import is_advised, write, write_text
from bench.report.frame.inputs import ReportInput, typed
from bench.report.frame.ranking import Ranking
from bench.report.sections.results import results
from bench.report.summary import CURVES, GREEDY, RELIABILITY, SCATTER, SCHEDULE, summary

# Each module has `subject(ranking, inputs)`, the plain data that a figure shows or None, and `draw(subject)`.
_FIGURES: Mapping[str, ModuleType] = {
    SCATTER: scatter,
    RELIABILITY: reliability,
    GREEDY: greedy,
    CURVES: curves,
    SCHEDULE: schedule,
}


def build(inputs: ReportInput, out: Path, *, shared_data: bool = False) -> Path:
    """Write `summary.md`, `results.csv` and `figures/` into `out`; the same inputs and files give the same bytes.

    Args:
        inputs: the results of one data set.
        out: the folder, made if it is not there. Files in it that are not the report's are left alone.
        shared_data: the store holds other data sets too, so that the page names its own and its commands choose it.

    Returns:
        The path of `summary.md`.
    """
    ranking = Ranking.of(inputs)
    figures = _draw_all(ranking, inputs, out / "figures")
    write_text(out / "results.csv", _csv(inputs, ranking))
    advised = is_advised(out, ranking.fact("data"))
    write_text(out / "summary.md", summary(ranking, inputs, figures, shared_data=shared_data, advised=advised))
    return out / "summary.md"


def results_table(inputs: ReportInput) -> str:
    """The results table alone, with its footnotes, as markdown."""
    return results(Ranking.of(inputs))


def _csv(inputs: ReportInput, ranking: Ranking) -> str:
    """All columns, best first, six significant digits, empty where nothing is known."""
    rows = typed(inputs.rows).set_index("run_id", drop=False).loc[ranking.rows["run_id"]]
    return str(rows.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _draw_all(ranking: Ranking, inputs: ReportInput, folder: Path) -> list[str]:
    """Draw what applies and remove what no longer does; the names of what is there now."""
    subjects = {name: module.subject(ranking, inputs) for name, module in _FIGURES.items()}
    for name, subject in subjects.items():
        if subject is None:
            (folder / name).unlink(missing_ok=True)
        else:
            draw_once(folder / name, _FIGURES[name], subject)
    return [name for name, subject in subjects.items() if subject is not None]


def draw_once(path: Path, module: ModuleType, subject: object) -> None:
    """Drawing takes longer than all the rest of the report: a figure of the same things stays as it is."""
    mark = stamp(subject)
    if bears(path, mark):
        return
    with house_style():
        figure = module.draw(subject)
        write(path, lambda temporary: save(figure, temporary, {KEY: mark}))
