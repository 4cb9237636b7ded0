"""Write the report: the figures, the CSV, and last the page that links them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.figures import curves, scatter, schedule
from bench.report.figures.style import house_style, save
from bench.report.files import write, write_text
from bench.report.inputs import ReportInput, typed
from bench.report.ranking import Ranking
from bench.report.results import results
from bench.report.summary import CURVES, SCATTER, SCHEDULE, summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIGURES: Mapping[str, Callable[[Ranking, ReportInput], Figure | None]] = {
    SCATTER: scatter.draw,
    CURVES: curves.draw,
    SCHEDULE: schedule.draw,
}


def build(inputs: ReportInput, out: Path, *, shared_data: bool = False) -> Path:
    """Write `summary.md`, `results.csv` and `figures/` into `out`; the same inputs give the same bytes.

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
    write_text(out / "summary.md", summary(ranking, inputs, figures, shared_data=shared_data))
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
    drawn = []
    with house_style():
        for name, draw in _FIGURES.items():
            figure = draw(ranking, inputs)
            if figure is None:
                (folder / name).unlink(missing_ok=True)
                continue
            write(folder / name, lambda path, figure=figure: save(figure, path))  # type: ignore[misc]
            drawn.append(name)
    return drawn
