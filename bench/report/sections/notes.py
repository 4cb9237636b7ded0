"""What must be known about a row before its numbers are believed, as footnotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from bench.report.frame.oddities import oddities
from bench.report.frame.ranking import Ranking
from bench.report.markdown import bullets, escape

TIE = "="
_TIE_TEXT = "cannot be told apart from the best single run (paired bootstrap over the same validation images)"
_RANDOM = "randomly initialised backbone: the score says nothing about the pretrained one"
_NO_INTERVAL = "too few images for an interval"
_ADDED = "predictions made elsewhere and added; its costs are what was said of them"
_FLAGS = {
    "did_not_train": "did not train: its validation loss ended near ln(classes), that of guessing",
    "selected_on_validation": "its epoch was chosen on the validation images, which flatters the score",
    "labels_only": "added as predicted classes: its probabilities are 0 and 1, and a log-loss it has not",
    "saw_validation": "trained on the validation images: its validation score means nothing and is not ranked",
}
_ENSEMBLE = "ensemble: cross-fitted score; training counts all its candidates, inference its members"
_ENSEMBLE_FIT = (
    "ensemble: scored on the images it was fitted on; training counts all its candidates, inference its members"
)


class Footnotes:
    """The marks of a table's rows: `=` for a tie, letters for texts, and plain sentences for what all runs share."""

    def __init__(self, ranking: Ranking) -> None:
        odd = oddities(ranking.runs)
        self._texts = {
            row["run_id"]: [*_notes(row), *odd.get(row["run_id"], ())] for _, row in ranking.current.iterrows()
        }
        self._common = _shared_by_all([self._texts[run_id] for run_id in ranking.runs["run_id"]])
        others, tied = ranking.runs["run_id"].iloc[1:], ranking.runs["indistinguishable_from_best"].iloc[1:]
        self._all_tied = len(tied) > 1 and bool(tied.all())
        self._tied = set() if self._all_tied else set(others[tied])
        self._letters: dict[str, str] = {}
        for texts in self._texts.values():
            for text in texts:
                if text not in self._common:
                    self._letters.setdefault(text, _letter(len(self._letters)))

    def mark(self, run_id: str) -> str:
        """The marks of a row, such as `= a c`."""
        letters = [self._letters[text] for text in self._texts[run_id] if text in self._letters]
        return " ".join([TIE] * (run_id in self._tied) + letters)

    def lines(self) -> str:
        """The explanation of all marks used, as a list."""
        common = [f"All runs: {escape(text)}." for text in self._common]
        tie = [f"`{TIE}` {_TIE_TEXT}."] * bool(self._tied) + [f"All others: {_TIE_TEXT}."] * self._all_tied
        return bullets(common + tie + [f"`{letter}` {escape(text)}." for text, letter in self._letters.items()])


def _notes(row: pd.Series) -> list[str]:
    texts = [_ADDED] * bool(row["added"]) + _plugin(row) + _duplicates(row) + _circumstances(row)
    texts += [text for flag, text in _FLAGS.items() if row[flag] and row["kind"] == "run"]
    if row["weights"] == "random" and row["status"] == "ok":
        texts.append(_RANDOM)
    if row["status"] != "ok":
        texts.append(f"failed, of kind {row['failure_kind'] or 'unknown'}")
    if row["kind"] == "ensemble":
        texts.append(_ENSEMBLE_FIT if pd.isna(row["macro_f1_cross_fitted"]) else _ENSEMBLE)
    if pd.notna(row["score"]) and pd.isna(row["score_low"]):
        texts.append(_NO_INTERVAL)
    return texts


def _plugin(row: pd.Series) -> list[str]:
    return [f"its backbone is that of the plugin {row['plugin']}"] if row["plugin"] else []


def _duplicates(row: pd.Series) -> list[str]:
    texts = {
        "val_duplicates": "{:.0f} validation images are training images too, byte for byte: its score flatters",
        "test_duplicates": "{:.0f} test images are training or validation images too: its test score flatters",
    }
    return [text.format(row[column]) for column, text in texts.items() if pd.notna(row[column]) and row[column] > 0]


def _circumstances(row: pd.Series) -> list[str]:
    """What became of the run on its way, as far as it may show in its numbers."""
    texts = []
    if pd.notna(row["image_source_px"]):
        texts.append(f"its pictures were made from those of {row['image_source_px']:.0f} px as they were read")
    if pd.notna(row["asked_global_batch"]):
        asked, got = row["asked_global_batch"], row["global_batch"]
        made = "made smaller" if pd.isna(got) else f"made {got:.0f}"
        texts.append(
            f"its global batch of {asked:.0f} did not fit in memory and was {made}: other steps, other BatchNorm"
        )
    if pd.notna(row["micro_batch"]):
        size = f"{row['micro_batch']:.0f} per replica"
        texts.append(f"its gradients were gathered from batches of {size} to fit in memory; BatchNorm saw those")
    if row["interruptions"] > 0:
        times = "once" if row["interruptions"] == 1 else f"{row['interruptions']:.0f} times"
        texts.append(f"interrupted {times} and resumed at its last complete epoch; its seconds are sums over the parts")
    return texts


def _shared_by_all(texts: Sequence[Sequence[str]]) -> Mapping[str, None]:
    """Texts on every run, in order: a mark that all rows carry tells nothing apart."""
    if len(texts) < 2:
        return {}
    return dict.fromkeys(text for text in texts[0] if all(text in others for others in texts))


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else _letter(index // 26 - 1) + _letter(index % 26)
