"""The answer: four lines of numbers, and a sentence on the noise."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report import numbers
from bench.report.frame.points import is_comparable
from bench.report.frame.ranking import Ranking
from bench.report.markdown import columns_table, escape

_SHOWN = 4
_TOO_FEW = "A verdict takes at least 40 images, and five a class."
_NOTE = (
    "{images}, with 95 % intervals. **difference**: to the score under **from**, on the same images; an ensemble and "
    "its **from**, taking the best single run, are cross-fitted on the same folds. **epoch s**: once through the "
    "network. **train s**: steady; of an ensemble, its members. **ms**: inference per image."
)


def verdict(ranking: Ranking, *, shared_data: bool) -> list[str]:
    """The best run, the cheapest tied with it, the best ensemble and its cascade, and what noise allows to say."""
    if ranking.configurations.empty and ranking.ensembles.empty:
        return [_nothing(ranking), _no_ensemble(ranking, shared_data=shared_data)]
    if not has_intervals(ranking):
        return [_too_few(ranking), _no_ensemble(ranking, shared_data=shared_data)]
    rows = pd.DataFrame([line for line in (_best(ranking), _cheapest(ranking), *_ensembles(ranking)) if line])
    images = f"Macro F1 on {ranking.fact('val_images')} validation images".replace("  ", " ")
    sentence = "; ".join(text for text in (_runs_noise(ranking), _ensemble_noise(ranking)) if text)
    notes = [_NOTE.format(images=images), _no_ensemble(ranking, shared_data=shared_data)]
    return [_table(rows), f"{sentence}. {_test(ranking)}".strip(), *notes]


def has_intervals(ranking: Ranking) -> bool:
    """Whether images suffice for an interval of any score or difference of runs."""
    known = [ranking.configurations[["score_low", "difference_to_best_low"]], ranking.ensembles[["score_low"]]]
    return any(bool(columns.notna().any(axis=None)) for columns in known)


def _table(rows: pd.DataFrame) -> str:
    digits = numbers.interval_digits(rows["score_low"], rows["score_high"])
    columns = {
        "": list(rows["line"]),
        "run": list(rows["label"]),
        "macro F1": [numbers.bounded_score(row, "score", digits) for _, row in rows.iterrows()],
        "difference": numbers.gain_column(rows, "difference"),
        "from": [numbers.score(value) for value in rows["baseline"]],
        "epoch s": numbers.column(rows["network_epoch_seconds"]),
        "train s": numbers.column(rows["train_seconds"]),
        "ms": numbers.column(rows["inference_ms_per_image"]),
    }
    return columns_table(columns, left=("", "run"))


def _line(title: str, row: pd.Series, difference: str = "", baseline: float = math.nan) -> dict[str, Any]:
    """One line of the table; `difference` is the column of a difference and its bounds."""
    shown = ("label", "score", "score_low", "score_high", "network_epoch_seconds", "train_seconds")
    found = {name: row[name] for name in (*shown, "inference_ms_per_image")}
    for end in ("", "_low", "_high"):
        found[f"difference{end}"] = row[f"{difference}{end}"] if difference else math.nan
    return found | {"line": title, "baseline": baseline}


def _best(ranking: Ranking) -> dict[str, Any]:
    return {} if ranking.best is None else _line("best run", ranking.best)


def _cheapest(ranking: Ranking) -> dict[str, Any]:
    """The fewest steady seconds of training among those that noise does not separate from the best."""
    best = ranking.best
    if best is None or len(ranking.configurations) < 2 or not best["compared_with_best"]:
        return {}
    rows = ranking.configurations
    rows = rows[rows["tied"] & is_comparable(rows, ranking) & rows["train_seconds"].notna()]
    if best["label"] not in set(rows["label"]):  # of unknown cost, or of another device
        return {}
    row = rows.sort_values(["train_seconds", "score", "label"], ascending=[True, False, True], kind="stable").iloc[0]
    if row["label"] == best["label"]:
        return _line("cheapest tied with it", row)
    return _line("cheapest tied with it", row, "difference_to_best", best["score"])


def _ensembles(ranking: Ranking) -> list[dict[str, Any]]:
    rows = [row for _, row in ranking.ensembles.iterrows()]
    cascades = [row for row in rows[1:] if _is_cascade(row, ranking)]
    titled = [("best ensemble", row) for row in rows[:1]]
    titled += [("its cascade", row) for row in cascades[:1] if not _is_cascade(rows[0], ranking)]
    return [_line(title, row, "gain_over_best_single", row["best_single_cross_fitted"]) for title, row in titled]


def _is_cascade(row: pd.Series, ranking: Ranking) -> bool:
    return bool(ranking.inputs.combinations.get(row["run_id"], {}).get("cascade"))


def _runs_noise(ranking: Ranking) -> str:
    if ranking.best is None:
        return "The store holds no single run with a score"
    best, others = escape(ranking.best["label"]), ranking.configurations.iloc[1:]
    if others.empty:
        return "The store holds no other run to compare"
    if not ranking.best["compared_with_best"]:
        return f"Ties of {best} with the others were not computed"
    adjusted = _adjusted(others["comparisons_with_best"].max())
    tied = [escape(label) for label in others["label"][others["tied"]]]
    if not tied:
        return f"On these images {best} can be told apart from every other run{adjusted}"
    names = f"{_listed(tied)} ({len(tied)} of {len(others)} others{adjusted})"
    return f"On these images {best} **cannot be told apart** from {names}"


def _adjusted(count: float) -> str:
    return f", adjusted for {count:.0f} comparisons (Holm)" if count > 1 else ""


def _ensemble_noise(ranking: Ranking) -> str:
    """Whether the gain of the best ensemble is more than noise."""
    if ranking.ensembles.empty:
        return ""
    top, count = ranking.ensembles.iloc[0], len(ranking.ensembles)
    low, high = top["gain_over_best_single_low"], top["gain_over_best_single_high"]
    subject = f"the gain of {escape(top['label'])}" + f", the best of {count}," * (count > 1)
    if pd.isna(top["gain_over_best_single"]):
        return f"{subject} was not computed"
    if pd.isna(low) or pd.isna(high):
        return f"{subject} is of unknown certainty"
    return f"{subject} is {'more than noise' if low > 0 else '**a loss**' if high < 0 else '**within the noise**'}"


def _listed(names: list[str]) -> str:
    shown = names[:_SHOWN] + [f"{len(names) - _SHOWN} more"] * (len(names) > _SHOWN)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _test(ranking: Ranking) -> str:
    """Test scores of the best run and ensemble, if their images suffice for an interval."""
    tops = [rows.iloc[0] for rows in (ranking.configurations, ranking.ensembles) if len(rows)]
    known = [row for row in tops if pd.notna(row["test_macro_f1_low"])]
    scores = [f"{escape(row['label'])} {numbers.bounded_score(row, 'test_macro_f1')}" for row in known]
    return f"Test F1: {', '.join(scores)}." if scores else ""


def _nothing(ranking: Ranking) -> str:
    if (ranking.rows["status"] == "ok").any():
        return "No run has a valid score: those that finished were trained on validation images, or on other images."
    return "No run has finished yet."


def _too_few(ranking: Ranking) -> str:
    images, classes = ranking.fact("val_images"), ranking.fact("classes")
    given = (
        f"{images} validation images of {classes} classes are" if images and classes else "The validation images are"
    )
    return f"**No two runs can be told apart**: {given} too few. {_TOO_FEW}"


def _no_ensemble(ranking: Ranking, *, shared_data: bool) -> str:
    """The command for an ensemble of all candidates, if the store has ensembles, but none of these."""
    stored = (ranking.rows["kind"] == "ensemble") & ~ranking.rows["superseded"]
    if len(ranking.ensembles) or not stored.any() or len(ranking.configurations) < 2:
        return ""
    command = f"python -m bench ensemble top{min(3, len(ranking.configurations))}{ranking.data_option(shared_data)}"
    return f"No ensemble of all candidates is stored; `{command}` makes one."
