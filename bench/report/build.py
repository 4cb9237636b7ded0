"""Write the report: the figures, the CSV, the page of details, and last the page that links them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from PIL import Image

from bench.report.figures import curves, greedy, reliability, scatter, schedule, style
from bench.report.figures.style import house_style, save
from bench.report.frame.inputs import ReportInput, members_text, typed
from bench.report.frame.ranking import Ranking
from bench.report.sections.results import results
from bench.report.sections.verdict import verdict
from bench.report.summary import DETAILS, RECOMMENDATION, advice_title, details, summary

# Each module has NAME, CAPTION, `subject(ranking)`, the plain data of its figure or None, and `draw(subject)`.
_FIGURES = (scatter, reliability, greedy, curves, schedule)
KEY = "Inputs"  # of the text inside a PNG: the digest of the inputs that it was drawn from
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def build(inputs: ReportInput, out: Path, *, shared_data: bool = False) -> Path:
    """Write the pages, `results.csv` and `figures/` into `out`; the same inputs and files give the same bytes.

    Args:
        inputs: the results of one data set.
        out: the folder, created if missing. Other files in it are left alone.
        shared_data: the store holds other data sets too, so that the page names its own and its commands choose it.

    Returns:
        The path of `summary.md`.
    """
    ranking = Ranking.of(inputs)
    pictures = _draw_all(ranking, out / "figures")
    write_text(out / "results.csv", _csv(ranking))
    _write_or_remove(out / DETAILS, details(ranking, pictures))
    advised = _is_advised(out, ranking.fact("data"))
    write_text(out / "summary.md", summary(ranking, pictures, shared_data=shared_data, advised=advised))
    return out / "summary.md"


def results_table(inputs: ReportInput) -> str:
    """The results table alone, with its footnotes, as markdown."""
    return "\n\n".join(block for block in results(Ranking.of(inputs)) if block)


def answer(inputs: ReportInput) -> str:
    """The four lines of the verdict and the sentence on the noise, as markdown."""
    return "\n\n".join(block for block in verdict(Ranking.of(inputs), shared_data=False)[:2] if block)


def draw_once(path: Path, module: ModuleType, subject: object) -> None:
    """Draw a figure unless the same one is there: drawing takes longer than all the rest of the report."""
    mark = stamp(subject)
    if has_stamp(path, mark):
        return
    with house_style():
        figure = module.draw(subject)
        _write(path, lambda temporary: save(figure, temporary, {KEY: mark}))


def stamp(subject: object) -> str:
    """Digest of a subject (frames, numbers and texts, also nested), of the drawing code and of matplotlib's version."""
    return hashlib.sha256(f"{_drawing_code()} {_plain(subject)!r}".encode()).hexdigest()[:32]


def has_stamp(path: Path, text: str) -> bool:
    """Whether the figure at `path` is complete and has this stamp. Its pixels are not decoded."""
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content), formats=["PNG"]) as image:
            return bool(image.info.get(KEY) == text) and content.endswith(_PNG_END)
    except (OSError, SyntaxError):
        return False


def _plain(subject: object) -> Any:
    if isinstance(subject, pd.DataFrame):
        return {name: values.tolist() for name, values in subject.items()}
    if isinstance(subject, Mapping):
        return [(name, _plain(value)) for name, value in subject.items()]
    if isinstance(subject, (list, tuple)):
        return [_plain(value) for value in subject]
    return subject


@cache
def _drawing_code() -> str:
    code = hashlib.sha256()
    for path in sorted(Path(str(style.__file__)).parent.glob("*.py")):
        code.update(path.read_bytes())
    return f"{code.hexdigest()} matplotlib {version('matplotlib')}"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with Unix line ends, whole or not at all."""
    _write(path, lambda temporary: temporary.write_bytes(text.encode()))


def _write_or_remove(path: Path, text: str) -> None:
    """Write a page, or remove an earlier one if this one is empty."""
    if text:
        write_text(path, text)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` write a temporary file beside `path`, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fill(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _draw_all(ranking: Ranking, folder: Path) -> dict[str, str]:
    """Draw the figures that have a subject and remove the others; file name -> markdown of the picture."""
    pictures = {}
    for module in _FIGURES:
        subject = module.subject(ranking)
        if subject is None:
            (folder / module.NAME).unlink(missing_ok=True)
        else:
            draw_once(folder / module.NAME, module, subject)
            pictures[module.NAME] = f"![{module.CAPTION}](figures/{module.NAME})"
    return pictures


def _csv(ranking: Ranking) -> str:
    """All columns, best first, six significant digits, empty if unknown."""
    rows = typed(ranking.inputs.rows).set_index("run_id", drop=False).loc[ranking.rows["run_id"]]
    rows["members"] = rows["members"].map(members_text, na_action="ignore")
    return str(rows.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _is_advised(out: Path, data: str) -> bool:
    """Whether `out` holds a recommendation for this data set."""
    page = out / RECOMMENDATION
    return page.is_file() and page.read_text(encoding="utf-8", errors="replace").startswith(advice_title(data))
