"""What to take for a budget, as a page, a table of everything there is, and a figure: plain data in, files out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.report import numbers
from bench.report.build import draw_once
from bench.report.figures import scatter
from bench.report.files import RECOMMENDATION, advice_title, write_text
from bench.report.frame.points import front
from bench.report.markdown import bullets, escape, table, wrap
from bench.report.sections.buying import members_table, pixels_table

PAGE, TABLE, FIGURE = RECOMMENDATION, "pareto.csv", "pareto.png"

COLUMNS = (
    "option",
    "kind",  # single, ensemble, cascade
    "run_ids",  # a;b: several of one configuration, or the stages of a cascade
    "members",  # of an ensemble as in results.csv; of a cascade its stages and threshold
    "macro_f1",  # validation; of ensembles and cascades cross-fitted
    "macro_f1_low",
    "macro_f1_high",
    "train_seconds",  # of ensembles and cascades: of all candidates
    "train_device_hours",
    "cost_usd",
    "ms_per_image",
    "device",
    "on_front",  # nothing is as good, as cheap to train and as cheap to run, and better in one of them
    "on_front_training",  # of score and training alone
    "on_front_inference",
    "outcome",  # recommended, tied with it, worse, or out of the budget
    "reason",
)


@dataclass(frozen=True)
class Advice:
    """Everything the page says, for one data set.

    Args:
        data: its name.
        budget: in words.
        lines: the answer, a sentence each.
        options: one row an option, best first, with the columns of `COLUMNS` but for the fronts; and family, image_px
            and comparable (its seconds may be compared with the others').
        pixels: see `bench.analysis.recommend.buys.pixels_or_partner`.
        members: see `bench.analysis.recommend.buys.members`.
    """

    data: str
    budget: str
    lines: Sequence[str]
    options: pd.DataFrame
    pixels: pd.DataFrame
    members: pd.DataFrame


def write_advice(advice: Advice, out: Path) -> list[Path]:
    """Writes `recommendation.md`, `pareto.csv` and `figures/pareto.png`; the paths of those that there are."""
    options = with_fronts(advice.options)
    csv, figure, page = out / TABLE, out / "figures" / FIGURE, out / PAGE
    write_text(csv, str(options[list(COLUMNS)].to_csv(index=False, float_format="%.6g", lineterminator="\n")))
    drawn = _draw(options, figure)
    write_text(page, _page(advice, options, drawn=drawn))
    return [page, csv, *([figure] if drawn else [])]


def with_fronts(options: pd.DataFrame) -> pd.DataFrame:
    """`options` with the columns on_front, on_front_training and on_front_inference."""
    known = options["comparable"].to_numpy(bool)
    training, inference = (options[name].where(known).to_numpy(float) for name in ("train_seconds", "ms_per_image"))
    score = options["macro_f1"].to_numpy(float)
    return options.assign(
        on_front=front(np.stack([training, inference]), score),
        on_front_training=front(training, score),
        on_front_inference=front(inference, score),
    )


def _draw(options: pd.DataFrame, path: Path) -> bool:
    """The picture of everything; False where no cost is known."""
    names = {
        "option": "label",
        "macro_f1": "score",
        "macro_f1_low": "score_low",
        "macro_f1_high": "score_high",
        "ms_per_image": "inference_ms_per_image",
    }
    rows = options.rename(columns=names).assign(tied=False, kind=options["kind"].replace("single", "run"))
    if not scatter.has_costs(rows):
        path.unlink(missing_ok=True)
        return False
    draw_once(path, scatter, rows)
    return True


def _page(advice: Advice, options: pd.DataFrame, *, drawn: bool) -> str:
    sections = {
        "All there is": [_options(options), _FRONT],
        "Accuracy versus cost": [f"![Macro F1 against training and inference](figures/{FIGURE})"] * drawn,
        "More pixels, or a second backbone": [pixels_table(advice.pixels), _PIXELS] if len(advice.pixels) else [],
        "Further members": [members_table(advice.members), _MEMBERS] if len(advice.members) > 1 else [],
    }
    parts = [f"{advice_title(advice.data)} {escape(advice.budget)}", bullets(advice.lines)]
    for title, body in sections.items():
        parts += [f"## {title}", *body] if body else []
    return wrap("\n\n".join(parts)) + "\n"


_FRONT = (
    "Single runs by validation macro F1, ensembles and cascades by their cross-fitted one. **front**: nothing is as "
    "good, as cheap to train and as cheap to run, and better in one of them; `T` and `I`: likewise with training alone "
    "and with inference alone. Ensembles and cascades are charged the training of all candidates. The milliseconds of "
    "a cascade are what it used per image on images that it was not fitted on."
)
_PIXELS = (
    "Gains are in macro F1 over the run itself, with a 95 % interval over the same images; costs come on top of the "
    "run's own. The second backbone is the one whose mean with the run scores best at the same resolution, chosen on "
    "some folds and scored on the others; the one that is named is what all images choose."
)
_MEMBERS = (
    "The mean of the best runs, as `topK` chooses them, cross-fitted. Gains are over one member less; points are "
    "hundredths of macro F1, per second of training and per millisecond per image of the member that was added. The "
    "order is that of all images; the gain is on images that had no say in it."
)


def _options(options: pd.DataFrame) -> str:
    columns = {
        "option": list(options["option"]),
        "kind": list(options["kind"]),
        "macro F1": _scores(options),
        "train s": numbers.column(options["train_seconds"]),
        "device-hours": numbers.column(options["train_device_hours"]),
        **({"USD": numbers.column(options["cost_usd"])} if options["cost_usd"].notna().any() else {}),
        "ms/image": numbers.column(options["ms_per_image"]),
        "front": [_front(row) for _, row in options.iterrows()],
        "": [_outcome(row) for _, row in options.iterrows()],
    }
    return table(list(columns), list(zip(*columns.values(), strict=True)), left=("option", "kind", "front", ""))


def _scores(options: pd.DataFrame) -> list[str]:
    digits = numbers.interval_digits(options["macro_f1_low"], options["macro_f1_high"])
    return [
        f"{numbers.score(score)} {numbers.interval(low, high, digits)}".strip()
        for score, low, high in zip(options["macro_f1"], options["macro_f1_low"], options["macro_f1_high"], strict=True)
    ]


def _front(row: pd.Series) -> str:
    alone = "".join(letter for letter, name in (("T", "training"), ("I", "inference")) if row[f"on_front_{name}"])
    return f"{'yes' if row['on_front'] else ''} {alone}".strip()


def _outcome(row: pd.Series) -> str:
    return f"{row['outcome']}: {row['reason']}" if row["reason"] else str(row["outcome"])
