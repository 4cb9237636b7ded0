"""The rows as the report reads them: named, scored, sorted, and split into what is ranked and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from bench.report.frame.inputs import BOOLEANS, COLUMNS, TEXTS, ReportInput, typed
from bench.report.frame.labels import name_rows


@dataclass(frozen=True)
class Ranking:
    """All rows, best first; then runs that saw validation, then what has no score."""

    rows: pd.DataFrame

    @classmethod
    def of(cls, inputs: ReportInput) -> Ranking:
        """Read the rows of a report."""
        rows = _scored(name_rows(_filled(typed(inputs.rows))))
        order = {"group": True, "score": False, "log_loss": True, "run_id": True}
        rows = rows.sort_values(list(order), ascending=list(order.values()), kind="stable")
        return cls(rows.reset_index(drop=True))

    @cached_property
    def current(self) -> pd.DataFrame:
        """Everything but superseded ensembles."""
        return self.rows[~self.rows["superseded"]]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Single runs with a score that may be compared."""
        return self._ranked("run")

    @cached_property
    def ensembles(self) -> pd.DataFrame:
        """The newest ensemble of each method."""
        return self._ranked("ensemble")

    @cached_property
    def superseded(self) -> pd.DataFrame:
        """Ensembles of whose method a newer one is stored."""
        return self.rows[self.rows["superseded"]]

    @cached_property
    def best(self) -> pd.Series | None:
        """The single run with the highest macro F1."""
        return None if self.runs.empty else self.runs.iloc[0]

    @cached_property
    def usual_device(self) -> str:
        """The device of most runs; seconds of another one are not compared with its."""
        devices = self.runs["device"][self.runs["device"] != ""]
        return "" if devices.empty else str(devices.mode().iloc[0])

    def fact(self, column: str) -> str:
        """The value that all runs share, several joined by "or"; of all rows, where there are no runs."""
        values = (self.rows if self.runs.empty else self.runs)[column].dropna()
        shown = [f"{value:,.0f}" if isinstance(value, float) else str(value) for value in values[values != ""].unique()]
        return " or ".join(shown)

    def _ranked(self, kind: str) -> pd.DataFrame:
        return self.current[(self.current["kind"] == kind) & (self.current["group"] == 0)]


def _filled(rows: pd.DataFrame) -> pd.DataFrame:
    """One kind of nothing per type: "" in texts, False in flags, NaN in numbers."""
    known = rows["indistinguishable_from_best"].notna().astype(bool)
    columns = {name: _plain(name, rows[name]) for name in COLUMNS}
    return pd.DataFrame(columns).assign(compared_with_best=known)


def _plain(name: str, values: pd.Series) -> pd.Series:
    if name in TEXTS:
        return values.fillna("").astype(object)
    return values.fillna(False).astype(bool) if name in BOOLEANS else values.astype("float64")


def _scored(rows: pd.DataFrame) -> pd.DataFrame:
    """Add what is ranked: of an ensemble the cross-fitted score, and the seconds of all its candidates."""
    crossed = (rows["kind"] == "ensemble") & rows["macro_f1_cross_fitted"].notna()
    pick = {
        "score": ("macro_f1", "macro_f1_cross_fitted"),
        "score_low": ("macro_f1_low", "macro_f1_cross_fitted_low"),
        "score_high": ("macro_f1_high", "macro_f1_cross_fitted_high"),
    }
    scores = {name: rows[plain].where(~crossed, rows[other]) for name, (plain, other) in pick.items()}
    seconds = rows["candidates_train_seconds"].fillna(rows["train_seconds_full"])
    return rows.assign(**scores, train_seconds=seconds, group=_group(rows))


def _group(rows: pd.DataFrame) -> pd.Series[int]:
    unscored = (rows["status"] != "ok") | rows["macro_f1"].isna()
    return rows["saw_validation"].astype(int).where(~unscored, 2)
