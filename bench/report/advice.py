"""The recommendation: a page, a table of all options, and a figure. Plain data in, files out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.report import numbers
from bench.report.build import draw_once, write_text
from bench.report.figures import scatter
from bench.report.frame.points import front
from bench.report.markdown import bullets, columns_table, escape, page
from bench.report.summary import RECOMMENDATION, advice_title

TABLE, FIGURE = "pareto.csv", "pareto.png"
COLUMNS = (
    "option",
    "kind",  # single, ensemble, cascade
    "run_ids",  # a;b: seeds of one configuration, or the stages of a cascade
    "members",  # of an ensemble as in results.csv; of a cascade its stages and threshold
    "macro_f1",  # validation; of ensembles and cascades cross-fitted
    "macro_f1_low",
    "macro_f1_high",
    "train_seconds",  # steady, of training the option again: of ensembles the members, of cascades the stages
    "train_device_hours",
    "cost_usd",
    "ms_per_image",
    "device",
    "on_front",  # no option is as good, as cheap to train and as cheap to run, and better in one of them
    "on_front_training",  # of score and training alone
    "on_front_inference",
    "outcome",  # recommended, best (if another is recommended), tied with the best, worse, or out of the budget
    "reason",
    "search_seconds",  # of all single runs that are compared: what finding any option cost
    "search_usd",
)
_FRONT = (
    "Single runs by validation macro F1, ensembles and cascades by their cross-fitted one. **front**: no other option "
    "is as good, as cheap to train and as cheap to run, and better in one of them; `T` and `I`: likewise with training "
    "alone and with inference alone. Training is in steady seconds, without start-up, and is that of the option again: "
    "a single run itself, an ensemble's members, a cascade's stages. The milliseconds of a cascade are the mean per "
    'image over images outside its fit. Intervals of "best minus this" hold together for all comparisons (Holm).'
)
_PIXELS = (
    "Gains are in macro F1 over the run itself, paired on the same images, means over seeds (from more pixels, over "
    "those of both sides); each 95 % interval is of its line alone. Costs come on top of the run's own. The second "
    "backbone is the one whose mean with the run scores best at the same resolution, chosen on some folds and scored "
    "on the others; its name is the choice on all images."
)
_MEMBERS = (
    "The mean of the best runs, as `topK` chooses them, cross-fitted; a member is the run of its lowest seed. Gains "
    "are over one member less, paired on the same images, each 95 % interval of its line alone. Points are hundredths "
    "of macro F1, per steady second of training and per millisecond per image of the added member. The order is that "
    "of all images; the gain is on images outside the choice."
)


@dataclass(frozen=True)
class Advice:
    """Everything the page says, for one data set.

    Args:
        data: its name.
        budget: as text.
        lines: the answer, a sentence each.
        options: one row an option, best first, with the columns of `COLUMNS` except the fronts; and family, image_px
            and comparable (its seconds can be compared with those of other options).
        pixels: see `bench.analysis.recommend.gains.pixels_or_partner`.
        members: see `bench.analysis.recommend.gains.members`.
    """

    data: str
    budget: str
    lines: Sequence[str]
    options: pd.DataFrame
    pixels: pd.DataFrame
    members: pd.DataFrame


def write_advice(advice: Advice, out: Path) -> list[Path]:
    """Write `recommendation.md`, `pareto.csv` and, if any cost is known, `figures/pareto.png`; the paths written."""
    options = with_fronts(advice.options)
    csv, figure, text = out / TABLE, out / "figures" / FIGURE, out / RECOMMENDATION
    write_text(csv, str(options[list(COLUMNS)].to_csv(index=False, float_format="%.6g", lineterminator="\n")))
    drawn = _draw(options, figure)
    write_text(text, _page(advice, options, drawn=drawn))
    return [text, csv, *([figure] if drawn else [])]


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
    """Draw all options; False if no cost is known."""
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
        "All options": [_options(options), _FRONT],
        "Accuracy versus cost": [f"![Macro F1 against training and inference](figures/{FIGURE})"] * drawn,
        "More pixels, or a second backbone": [pixels_table(advice.pixels), _PIXELS] if len(advice.pixels) else [],
        "Further members": [members_table(advice.members), _MEMBERS] if len(advice.members) > 1 else [],
    }
    return page([f"{advice_title(advice.data)} {escape(advice.budget)}", bullets(advice.lines)], sections)


def _options(options: pd.DataFrame) -> str:
    columns = {
        "option": list(options["option"]),
        "kind": list(options["kind"]),
        "macro F1": numbers.score_column(options, "macro_f1"),
        "train s": numbers.column(options["train_seconds"]),
        # In significant digits: a run of a second is 0.000278 hours, not 0.000.
        "device-hours": [numbers.significant(hours) for hours in options["train_device_hours"]],
        **({"USD": list(map(numbers.significant, options["cost_usd"]))} if options["cost_usd"].notna().any() else {}),
        "ms/image": numbers.column(options["ms_per_image"]),
        "front": [_front(row) for _, row in options.iterrows()],
        "": [": ".join(filter(None, pair)) for pair in zip(options["outcome"], options["reason"], strict=True)],
    }
    return columns_table(columns, left=("option", "kind", "front", ""))


def _front(row: pd.Series) -> str:
    single = "".join(letter for letter, name in (("T", "training"), ("I", "inference")) if row[f"on_front_{name}"])
    return f"{'yes' if row['on_front'] else ''} {single}".strip()


def pixels_table(rows: pd.DataFrame) -> str:
    """The gain and price of more pixels, and of a second backbone instead."""
    names = zip(rows["subject"], rows["px"], strict=True)
    columns = {
        "run": [subject if math.isnan(px) else f"{subject}@{px:.0f}" for subject, px in names],
        "F1": [numbers.score(score) for score in rows["macro_f1"]],
        **_bought(rows, "px_", "px", lambda px: f"{px:.0f}"),
        **_bought(rows, "second_", "second backbone", str),
    }
    return columns_table(columns, left=("run", "second backbone"))


def members_table(rows: pd.DataFrame) -> str:
    """The gain and price of each further member."""
    columns = {
        "members": [str(number) for number in rows["members"]],
        "added": list(rows["added"]),
        "F1": [numbers.score(score) for score in rows["macro_f1"]],
        "gain": numbers.gain_column(rows, "gain"),
        "train s": numbers.column(rows["train_seconds"]),
        "ms/image": numbers.column(rows["ms_per_image"]),
        "points/train s": _signed(rows["points_per_train_second"]),
        "points/ms": _signed(rows["points_per_ms"]),
    }
    return columns_table(columns, left=("added",))


def _bought(rows: pd.DataFrame, prefix: str, title: str, write: Callable[[object], str]) -> dict[str, list[str]]:
    """Four columns; none if no row has any."""
    if f"{prefix}to" not in rows:
        return {}
    return {
        title: [numbers.MISSING if pd.isna(to) else write(to) for to in rows[f"{prefix}to"]],
        f"{title}: gain": numbers.gain_column(rows, f"{prefix}gain"),
        f"{title}: + train s": numbers.column(rows[f"{prefix}train_seconds"]),
        f"{title}: + ms": numbers.column(rows[f"{prefix}ms_per_image"]),
    }


def _signed(values: pd.Series) -> list[str]:
    places = numbers.decimals(values)
    return [numbers.MISSING if math.isnan(value) else f"{value:+.{places}f}" for value in values]
