"""The table of results: a line a configuration, short enough for a terminal of 120 columns."""

from __future__ import annotations

import pandas as pd

from bench.report import numbers
from bench.report.frame.ranking import FLOOR, Ranking
from bench.report.markdown import bullets, columns_table, escape
from bench.report.sections.notes import Footnotes

_COSTS = {
    "epoch s": "network_epoch_seconds",
    "train s": "train_seconds",
    "start-up s": "start_up_seconds",
    "ms/image": "inference_ms_per_image",
    "USD": "cost_usd",
}


def results(ranking: Ranking) -> list[str]:
    """The table, best first, and its footnotes; without networks from random weights that have their own."""
    rows = _main(ranking)
    if rows.empty:
        return ["No run is stored yet." if ranking.rows.empty else "No single run is ranked."]
    return _table(ranking, rows)


def floor(ranking: Ranking) -> list[str]:
    """The worth of pretraining, and the table of the networks from random weights."""
    return [_worth(ranking), *_table(ranking, ranking.floor)] if len(ranking.floor) else []


def _main(ranking: Ranking) -> pd.DataFrame:
    return ranking.lines[ranking.lines["group"] != FLOOR]


def _worth(ranking: Ranking) -> str:
    found = ranking.inputs.pretraining
    if not found:
        return ""
    labels = dict(zip(ranking.lines["configuration"], ranking.lines["label"], strict=True))
    gain = numbers.gain_with(found["difference"], found["low"], found["high"])
    best, random = (escape(labels[found[side]]) for side in ("best", "floor"))
    pair = f"the best pretrained run, {best}, minus the best random one, {random}"
    return f"**Pretraining is worth {gain}**: {pair}, on the same images."


def _table(ranking: Ranking, rows: pd.DataFrame) -> list[str]:
    notes = Footnotes(ranking, rows)
    costs = {title: column for title, column in _COSTS.items() if title != "USD" or rows[column].notna().any()}
    columns = {
        "run": list(rows["label"]),
        "macro F1": _scores(rows),
        **_seeds(rows),
        "to the best": numbers.gain_column(rows, "difference_to_best"),
        **{title: numbers.column(rows[column]) for title, column in costs.items()},
        "notes": [notes.mark(run_ids) for run_ids in rows["run_ids"]],
    }
    return [columns_table(columns, left=("run", "notes")), notes.lines()]


def legend(ranking: Ranking) -> list[str]:
    """The meaning of the columns of the results table."""
    rows = _main(ranking)
    if rows.empty:
        return []
    count = rows["comparisons_with_best"].max()
    adjusted = f", adjusted for {count:.0f} comparisons (Holm)" if count > 1 else ""
    seeds = "; with several seeds the mean over **n** seeds and their **sd**" if (rows["n"] > 1).any() else ""
    lines = [
        f"**macro F1**: on the validation images, with its 95 % interval{seeds}. **to the best**: paired difference on "
        f"the same images and its interval{adjusted}.",
        "**start-up s**: tracing, compilation and first calls, on top of **train s**. **ms/image**: inference.",
    ]
    return [bullets(lines)]


def _scores(rows: pd.DataFrame) -> list[str]:
    """Scores with their intervals; in parentheses on images that were trained on."""
    texts = zip(numbers.score_column(rows, "score"), rows["saw_validation"], rows["status"], strict=True)
    return [status if status != "ok" else f"({text})" if seen else text for text, seen, status in texts]


def _seeds(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Number of seeds and their standard deviation, if any configuration has several."""
    if not (rows["n"] > 1).any():
        return {}
    return {"n": numbers.whole(rows["n"]), "sd": [numbers.score(value) for value in rows["sd"]]}
