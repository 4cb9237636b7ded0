"""The rows as the report reads them: named, scored, sorted, and split into ranked and unranked."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from bench.report.frame.inputs import Combination, ReportInput, filled, typed

# Of the runs of a configuration: values that they share, and those of which the mean over seeds is meant.
_FIRST = [
    "name",
    "run_id",
    "backbone",
    "family",
    "recipe",
    "device",
    "image_px",
    "lr_scale",
    "weights",
    "status",
    "group",
    "saw_validation",
    "compared_with_best",
    "indistinguishable_from_best",
    "difference_to_best",
    "difference_to_best_low",
    "difference_to_best_high",
    "comparisons_with_best",
    "mean_macro_f1_low",
    "mean_macro_f1_high",
]
_MEANS = [
    "score",
    "score_low",
    "score_high",
    "log_loss",
    "train_seconds",
    "start_up_seconds",
    "network_epoch_seconds",
    "inference_ms_per_image",
    "cost_usd",
    "test_macro_f1",
    "test_macro_f1_low",
    "test_macro_f1_high",
]
# Columns in which two configurations of one backbone and resolution may differ, the likeliest first, and their format.
_QUALIFIERS = {
    "plugin": "{}",
    "weights": "{}",
    "weights_seed": "w{}",
    "precision": "{}",
    "global_batch": "batch {}",
    "strategy": "{}",
    "replicas": "{} replicas",
    "device": "{}",
    "epochs": "{} epochs",
    "xla": "XLA {}",
    "deterministic": "deterministic {}",
    "image_source_px": "from {} px",
    "recipe_digest": "recipe {}",
    "kernels": "{}",
    "versions": "{}",
    "code_revision": "code {}",
    "training_code": "code {}",
}
# Groups of rows, in the order of the page.
RANKED, FLOOR, SAW_VALIDATION, NOT_COMPARED, UNSCORED = range(5)
_LONGEST_QUALIFIER = 32  # longer values, as of all versions, are told apart by a digest instead


@dataclass(frozen=True)
class Ranking:
    """All rows, best configuration first; then runs from random weights that are ranked by themselves (the floor),
    runs that saw validation, those of other images, and those without a score.

    Seeds of a configuration stand together: what is ranked is their mean.
    """

    inputs: ReportInput
    rows: pd.DataFrame

    @classmethod
    def of(cls, inputs: ReportInput) -> Ranking:
        """Read the rows of a report."""
        read = typed(inputs.rows)
        compared = read["indistinguishable_from_best"].notna().astype(bool)
        rows = filled(read).assign(compared_with_best=compared)
        budgeted = (rows["kind"] == "ensemble") & rows["max_cost_ms"].notna()
        rows = _scored(name_rows(rows.assign(other_baseline=rows["other_candidates"] | budgeted)))
        order = {"group": True, "mean_score": False, "mean_log_loss": True, "name": True, "seed": True, "run_id": True}
        rows = rows.sort_values(list(order), ascending=list(order.values()), kind="stable")
        return cls(inputs, rows.reset_index(drop=True))

    @cached_property
    def current(self) -> pd.DataFrame:
        """Everything that is ranked or failed: not superseded, of the same images and, if an ensemble, one baseline."""
        left_out = self.rows["superseded"] | self.rows["other_baseline"] | (self.rows["not_compared"] != "")
        return self.rows[~left_out]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Single runs with a comparable score."""
        return self._ranked("run")

    @cached_property
    def ensembles(self) -> pd.DataFrame:
        """The current ensemble of each method, of all candidates and without a budget: of one baseline."""
        return self._ranked("ensemble")

    @cached_property
    def other_ensembles(self) -> pd.DataFrame:
        """Current ensembles of other candidates or under a budget: their gains have other baselines."""
        return self.rows[self.rows["other_baseline"] & ~self.rows["superseded"] & (self.rows["group"] == RANKED)]

    @cached_property
    def not_compared(self) -> pd.DataFrame:
        """Runs and ensembles of other images, whose scores cannot be compared with those that are ranked."""
        return self.rows[(self.rows["not_compared"] != "") & ~self.rows["superseded"]]

    @cached_property
    def superseded(self) -> pd.DataFrame:
        """Ensembles with a newer one of the same method."""
        return self.rows[self.rows["superseded"]]

    @cached_property
    def best(self) -> pd.Series | None:
        """The best configuration: that of the highest mean macro F1 over its seeds."""
        return None if self.configurations.empty else self.configurations.iloc[0]

    @cached_property
    def configurations(self) -> pd.DataFrame:
        """Those of `lines` that are ranked, best mean first."""
        return self.lines[self.lines["group"] == RANKED].reset_index(drop=True)

    @cached_property
    def floor(self) -> pd.DataFrame:
        """Those of `lines` from random weights, beside others: ranked by themselves, best mean first."""
        return self.lines[self.lines["group"] == FLOOR].reset_index(drop=True)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Those of `ReportInput.pairs` whose configurations are both ranked."""
        pairs, known = self.inputs.pairs, set(self.configurations["configuration"])
        return pairs[pairs["one"].isin(known) & pairs["other"].isin(known)] if len(pairs) else pairs

    @cached_property
    def lines(self) -> pd.DataFrame:
        """Runs that differ in nothing but their seed as one row, under the column names of a run; failed ones too.

        Columns: those of `_FIRST`; label; n; run_ids; tied (it cannot be told apart from the best configuration); sd
        of the score over seeds; and the means over seeds of `_MEANS`, with the interval of the mean score. Single
        runs have intervals of test scores, means have none.
        """
        runs = self.current[self.current["kind"] == "run"]
        groups = runs.assign(n=1, sd=runs["score"], run_ids=runs["run_id"]).groupby("configuration", sort=False)
        how = dict.fromkeys(_FIRST, "first") | dict.fromkeys(_MEANS, "mean")
        found = groups.agg(how | {"n": "sum", "sd": "std", "run_ids": tuple}).reset_index()
        single = found["n"] == 1
        for side in ("low", "high"):
            found[f"score_{side}"] = found[f"score_{side}"].where(single, found[f"mean_macro_f1_{side}"])
            found[f"test_macro_f1_{side}"] = found[f"test_macro_f1_{side}"].where(single)
        return found.rename(columns={"indistinguishable_from_best": "tied", "name": "label"})

    @cached_property
    def combinations(self) -> list[tuple[str, Combination]]:
        """Label and combination of every ensemble that kept one, best first, those of another baseline last."""
        rows = pd.concat([self.ensembles, self.other_ensembles])[["label", "run_id"]].itertuples(index=False)
        known = self.inputs.combinations
        return [(label, known[run_id]) for label, run_id in rows if run_id in known]

    def combination_with(self, part: str) -> tuple[str, Combination] | None:
        """Label and combination of the best ensemble that has such a part, as `greedy` or `cascade`."""
        return next(((label, found) for label, found in self.combinations if found.get(part)), None)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Run_id -> label."""
        return dict(zip(self.rows["run_id"], self.rows["label"], strict=True))

    @cached_property
    def usual_device(self) -> str:
        """The device of most runs; seconds of another one are not compared."""
        devices = self.runs["device"][self.runs["device"] != ""]
        return "" if devices.empty else str(devices.mode().iloc[0])

    def data_option(self, shared_data: bool) -> str:
        """The option that chooses the data set in a command, if the store holds others too."""
        return f" --data {shlex.quote(self.fact('data'))}" if shared_data else ""

    def fact(self, column: str) -> str:
        """The value that all runs share, several joined by "or"; without runs, that of all rows."""
        values = (self.rows if self.runs.empty else self.runs)[column].dropna()
        shown = [f"{value:,.0f}" if isinstance(value, float) else str(value) for value in values[values != ""].unique()]
        return " or ".join(shown)

    def _ranked(self, kind: str) -> pd.DataFrame:
        return self.current[(self.current["kind"] == kind) & (self.current["group"] == RANKED)]


def stem(run_id: str) -> str:
    """A stored name without its hash and kind: `ensemble-top3-0a1b2c3d` is `top3`."""
    return re.sub(r"-[0-9a-f]{8}$", "", run_id).removeprefix("ensemble-")


def name_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Names for rows, as short as possible: `label`, unique, and `name`, shared by the seeds of a configuration.

    A row without a configuration, as a failed run or an ensemble, is one of its own.
    """
    unknown = rows["configuration"] == ""
    named = rows.assign(
        configuration=rows["configuration"].where(~unknown, rows["run_id"]),
        name=rows["run_id"].map(stem).astype(object),
    )
    apart = named["superseded"] | named["other_baseline"]
    named["name"] = named["name"].where(~apart, named["name"] + " " + named["run_id"].str[-8:])
    trained = (named["kind"] == "run") & (named["backbone"] != "")
    if trained.any():
        named.loc[trained, "name"] = _names(named[trained])
    # Whatever else differs: configurations never share a name, unless nothing but seeds is known of them.
    known = named["configuration"].where(~unknown)
    named["name"] = _distinct(named["name"], known.str[:6], "#{}")
    labels = _distinct(named["name"], named["seed"], "s{}")
    return named.assign(label=_with_hashes(labels, named["run_id"]))


def _names(runs: pd.DataFrame) -> pd.Series[str]:
    names = runs["backbone"] + runs["image_px"].map(lambda px: "" if pd.isna(px) else f"@{px:.0f}")
    scaled = ~runs["lr_scale"].fillna(1.0).eq(1.0)
    if runs["recipe"].nunique() > 1 or scaled.any():  # another learning rate is never left out of a name
        names = (names + " " + runs["recipe"]).str.strip()
    for column, form in _QUALIFIERS.items():
        short = runs[column].astype(str).str.len().max() <= _LONGEST_QUALIFIER
        shared = runs.groupby("configuration")[column].nunique().max() <= 1  # unlike the epochs of early stopping
        if short and shared:
            names = _distinct(names, runs[column], form)
    return names


def _distinct(names: pd.Series[str], values: pd.Series, form: str) -> pd.Series[str]:
    """Append the value if rows of one name differ in it; unknown values distinguish nothing."""
    known = values.where(values.notna() & (values != ""))
    varies = (known.groupby(names).transform("nunique") > 1) & known.notna()
    return names.where(~varies, names + " " + known.map(lambda value: form.format(_short(value))).astype(object))


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.0f}" if isinstance(value, float) and value == value else str(value)


def _with_hashes(names: pd.Series[str], run_ids: pd.Series[str]) -> pd.Series[str]:
    return names.where(~names.duplicated(keep=False), names + " " + run_ids.str[-8:])


def _scored(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the ranked values: scores, of an ensemble cross-fitted, and costs, of an ensemble those of its members."""
    crossed = (rows["kind"] == "ensemble") & rows["macro_f1_cross_fitted"].notna()
    pick = {
        "score": ("macro_f1", "macro_f1_cross_fitted"),
        "score_low": ("macro_f1_low", "macro_f1_cross_fitted_low"),
        "score_high": ("macro_f1_high", "macro_f1_cross_fitted_high"),
    }
    scores = {name: rows[plain].where(~crossed, rows[other]) for name, (plain, other) in pick.items()}
    rows = rows.assign(**scores)
    unscored = (rows["status"] != "ok") | rows["macro_f1"].isna()
    group = pd.Series(RANKED, index=rows.index).mask(rows["random_floor"], FLOOR)
    group = group.mask(rows["saw_validation"], SAW_VALIDATION).mask(rows["not_compared"] != "", NOT_COMPARED)
    means = rows.groupby("configuration")[["score", "log_loss"]].transform("mean")
    return rows.assign(
        train_seconds=rows["train_seconds_steady"]
        .fillna(rows["members_train_seconds"])
        .fillna(rows["train_seconds_full"].where(rows["kind"] == "run")),
        network_epoch_seconds=_network_epoch(rows),
        group=group.mask(unscored, UNSCORED),
        mean_score=means["score"],
        mean_log_loss=means["log_loss"],
    )


def _network_epoch(rows: pd.DataFrame) -> pd.Series[float]:
    """Seconds of an epoch through the network, of an ensemble one of each member; NaN if unknown.

    With saved features, `epoch_seconds` is an epoch of the part that trains on them, and never meant here.
    """
    own = rows["uncached_epoch_seconds"].fillna(rows["epoch_seconds"].where(rows["extraction_seconds"].isna()))
    known = dict(zip(rows["run_id"], own, strict=True))
    summed = [sum(known.get(run_id, math.nan) for run_id, _ in members) for members in rows["members"]]
    return own.where(rows["members"].map(len) == 0, pd.Series(summed, index=rows.index, dtype=float))
