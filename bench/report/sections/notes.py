"""Footnotes of rows: circumstances to know before believing their numbers, so that nothing is mixed in silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape

TIE = "="
_TIE_TEXT = "cannot be told apart from the best on these images"
_RANDOM = "randomly initialised backbone: the score says nothing about the pretrained one"
_NO_INTERVAL = "too few images for an interval"
_ADDED = "predictions made elsewhere and added; costs as stated by the user"
_FLAGS = {
    "did_not_train": "did not train: its validation loss ended near ln(classes), that of guessing",
    "selected_on_validation": "epoch chosen on the validation images, which flatters the score",
    "labels_only": "added as predicted classes: probabilities are 0 and 1, without a log-loss",
    "saw_validation": "trained on the validation images: the validation score means nothing and is not ranked",
}
_DUPLICATES = {
    "val_duplicates": "{:.0f} validation images are training images too, byte for byte: the score flatters",
    "test_duplicates": "{:.0f} test images are training or validation images too: the test score flatters",
}
# What comparable runs share, and its name.
_SHARED = {
    "recipe": "recipe",
    "epochs": "epochs",
    "global_batch": "global batch",
    "weights": "weights",
    "precision": "precision",
    "strategy": "strategy",
    "xla": "XLA compilation",
    "deterministic": "deterministic operations",
    "device": "device",
    "cores": "cores",
    "code_revision": "code revision",
    "kernels": "kernels",
    "versions": "versions",
}


class Footnotes:
    """The marks of configurations: `=` for a tie, letters for texts, and plain sentences for what all runs share."""

    def __init__(self, ranking: Ranking) -> None:
        odd, runs = oddities(ranking.runs), ranking.current[ranking.current["kind"] == "run"]
        self._texts = {row["run_id"]: [*_notes(row), *odd.get(row["run_id"], ())] for _, row in runs.iterrows()}
        self._common = _shared_by_all([self._texts[run_id] for run_id in ranking.runs["run_id"]])
        others = ranking.configurations.iloc[1:]
        self._all_tied = len(others) > 1 and bool(others["tied"].all())
        self._tied = (
            set() if self._all_tied else {run_id for ids in others["run_ids"][others["tied"]] for run_id in ids}
        )
        self._letters: dict[str, str] = {}
        for texts in self._texts.values():
            for text in texts:
                if text not in self._common:
                    self._letters.setdefault(text, _letter(len(self._letters)))

    def mark(self, run_ids: Sequence[str]) -> str:
        """The marks of the runs of a configuration, such as `= a c`."""
        texts = dict.fromkeys(text for run_id in run_ids for text in self._texts[run_id])
        letters = sorted(self._letters[text] for text in texts if text in self._letters)
        return " ".join([TIE] * (not self._tied.isdisjoint(run_ids)) + letters)

    def lines(self) -> str:
        """The explanation of all marks used, as a list."""
        common = [f"All runs: {escape(text)}." for text in self._common]
        tie = [f"`{TIE}` {_TIE_TEXT}."] * bool(self._tied) + [f"All others: {_TIE_TEXT}."] * self._all_tied
        return bullets(common + tie + [f"`{letter}` {escape(text)}." for text, letter in self._letters.items()])


def oddities(runs: pd.DataFrame) -> dict[str, list[str]]:
    """By run_id, the differences of a row from the majority: `["global batch 32, most have 16"]`.

    Without a majority, every row is marked with its own value; recipes are not, since they stand in the rows' names.
    """
    found: dict[str, list[str]] = {run_id: [] for run_id in runs["run_id"]}
    for column, name in _SHARED.items():
        values = _comparable(runs, column)
        counts = values.value_counts()
        if len(counts) < 2:
            continue
        usual = counts.index[0] if 2 * counts.iloc[0] > len(values) else None
        for run_id, value in zip(runs.loc[values.index, "run_id"], values, strict=True):
            if value != usual:
                found[run_id].append(_oddity(name, value, usual))
    return found


def _oddity(name: str, value: object, usual: object) -> str:
    if usual is not None:
        if name == "versions":  # only those that differ
            value, usual = _beyond(value, usual), _beyond(usual, value)
        return f"{name} {_text(value)}, most have {_text(usual)}"
    return "recipes differ, see the names" if name == "recipe" else f"{name} {_text(value)}, others differ"


def _beyond(one: object, other: object) -> str:
    """The parts of a list as text that are not in another."""
    return ", ".join(part for part in str(one).split(", ") if part not in str(other).split(", ")) or "-"


def _comparable(runs: pd.DataFrame, column: str) -> pd.Series:
    """The known values of a column, without rows that have a footnote on it already."""
    values = runs[column]
    if column == "epochs":  # early stopping
        values = values[~runs["selected_on_validation"]]
    if column == "global_batch":  # reduced to fit in memory
        values = values[runs["asked_global_batch"].isna()]
    return values[values.notna() & (values != "")]


def _text(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _notes(row: pd.Series) -> list[str]:
    texts = [_ADDED] * bool(row["added"])
    texts += [f"its backbone is that of the plugin {row['plugin']}"] * bool(row["plugin"])
    texts += [text.format(row[column]) for column, text in _DUPLICATES.items() if row[column] > 0]
    texts += _circumstances(row)
    texts += [text for flag, text in _FLAGS.items() if row[flag]]
    if row["weights"] == "random" and row["status"] == "ok":
        texts.append(_RANDOM)
    if row["status"] != "ok":
        texts.append(f"failed, of kind {row['failure_kind'] or 'unknown'}")
    if pd.notna(row["score"]) and pd.isna(row["score_low"]):
        texts.append(_NO_INTERVAL)
    return texts


def _circumstances(row: pd.Series) -> list[str]:
    """Incidents of a run that may show in its numbers."""
    texts = []
    if pd.notna(row["image_source_px"]):
        texts.append(f"images made from those of {row['image_source_px']:.0f} px when read")
    if pd.notna(row["asked_global_batch"]):
        asked, used = row["asked_global_batch"], row["global_batch"]
        reduced = "reduced" if pd.isna(used) else f"reduced to {used:.0f}"
        texts.append(f"global batch of {asked:.0f} did not fit in memory, {reduced}: other steps, other BatchNorm")
    if pd.notna(row["micro_batch"]):
        size = f"{row['micro_batch']:.0f} per replica"
        texts.append(f"gradients accumulated over batches of {size} to fit in memory; BatchNorm saw those batches")
    if row["interruptions"] > 0:
        times = "once" if row["interruptions"] == 1 else f"{row['interruptions']:.0f} times"
        texts.append(f"interrupted {times} and resumed at the last complete epoch; seconds are sums over the parts")
    return texts


def _shared_by_all(texts: Sequence[Sequence[str]]) -> Mapping[str, None]:
    """Texts on every run, in order: a mark on all rows would distinguish none."""
    if len(texts) < 2:
        return {}
    return dict.fromkeys(text for text in texts[0] if all(text in others for others in texts))


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else _letter(index // 26 - 1) + _letter(index % 26)
