from __future__ import annotations

import math
from typing import get_args

import pandas as pd
import pytest

from bench.report.frame.inputs import COLUMNS, Kind, filled, members_text, typed


def test_typed_fills_absent_columns_and_refuses_unknown_ones():
    rows = typed(pd.DataFrame([{"run_id": "a", "seed": 3.0, "macro_f1": None, "superseded": None}]))
    assert list(rows.columns) == list(COLUMNS)
    assert rows["seed"].iloc[0] == 3
    assert math.isnan(rows["macro_f1"].iloc[0])
    with pytest.raises(ValueError, match="macro_f2"):
        typed(pd.DataFrame([{"macro_f2": 1.0}]))


@pytest.mark.parametrize(
    ("kind", "dtype", "gap"),
    [("text", "string", ""), ("flag", "boolean", False), ("whole", "Int64", None), ("number", "float64", None)],
)
def test_every_kind_has_a_type_and_a_gap(kind, dtype, gap):
    rows = typed(pd.DataFrame([{"run_id": "a"}]))
    names = [name for name, found in COLUMNS.items() if found == kind and name != "run_id"]
    assert names
    for name in names:
        assert str(rows[name].dtype) == dtype
        value = filled(rows)[name].iloc[0]
        assert math.isnan(value) if gap is None else value == gap


def test_members_stay_values():
    members = (("a", 0.25), ("b", 0.75))
    rows = filled(typed(pd.DataFrame([{"run_id": "x", "members": members}, {"run_id": "y", "members": None}])))
    assert rows["members"].tolist() == [members, ()]
    assert set(COLUMNS.values()) == set(get_args(Kind))


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ([], ""),
        ([("a", 1.0)], "a"),
        ([("a", 1 / 3), ("b", 1 / 3 + 1e-9)], "a;b"),
        ([("a", 0.25), ("b", 0.75)], "a*0.25;b*0.75"),
        ([("a", 1 / 3), ("b", 2 / 3)], "a*0.3333;b*0.6667"),
    ],
)
def test_members_as_text(members, text):
    assert members_text(members) == text
