"""Names for rows: as short as possible (`vgg16@512`), longer only if two rows would share a name."""

from __future__ import annotations

import re

import pandas as pd

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
}


def stem(run_id: str) -> str:
    """A stored name without its hash and kind: `ensemble-top3-0a1b2c3d` is `top3`."""
    return re.sub(r"-[0-9a-f]{8}$", "", run_id).removeprefix("ensemble-")


def name_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with two more columns: `label`, unique, and `configuration`, shared by seeds of one."""
    named = rows.assign(configuration=rows["run_id"].map(stem).astype(object))
    named["configuration"] = named["configuration"].where(~named["superseded"], named["run_id"])
    trained = (named["kind"] == "run") & (named["backbone"] != "")
    if trained.any():
        named.loc[trained, "configuration"] = _configurations(named[trained])
    labels = _distinct(named["configuration"], named["seed"], "s{}")
    return named.assign(label=_with_hashes(labels, named["run_id"]))


def _configurations(runs: pd.DataFrame) -> pd.Series[str]:
    names = runs["backbone"] + runs["image_px"].map(lambda px: "" if pd.isna(px) else f"@{px:.0f}")
    scaled = ~runs["lr_scale"].fillna(1.0).eq(1.0)
    if runs["recipe"].nunique() > 1 or scaled.any():  # another learning rate is never left out of a name
        names = (names + " " + runs["recipe"]).str.strip()
    for column, form in _QUALIFIERS.items():
        names = _distinct(names, runs[column], form)
    return names


def _distinct(names: pd.Series[str], values: pd.Series, form: str) -> pd.Series[str]:
    """Append the value if rows of one name differ in it; unknown values distinguish nothing."""
    known = values.where(values.notna() & (values != ""))
    varies = (known.groupby(names).transform("nunique") > 1) & known.notna()
    return names.where(~varies, names + " " + known.map(lambda value: form.format(_short(value))).astype(object))


def _short(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) and value == value else str(value)


def _with_hashes(names: pd.Series[str], run_ids: pd.Series[str]) -> pd.Series[str]:
    return names.where(~names.duplicated(keep=False), names + " " + run_ids.str[-8:])
