"""`submit` and its default file."""

from __future__ import annotations

import csv

import pytest
from helpers_store import save_run

from bench.store.store import Store


@pytest.mark.parametrize(("words", "name"), [((), "submission.csv"), (("--out", "deep/mine.csv"), "deep/mine.csv")])
def test_a_file_and_its_number_of_images(call, tmp_path, words, name):
    run = save_run(Store(tmp_path / "runs"), "one-32-frozen-s0-00000000")
    assert call("submit", "one", *words) == (0, f"{name}: 5 rows\n", "")
    with (tmp_path / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(run.images.test_ids)
    assert [int(row["label"]) for row in rows] == run.log_probs("test").argmax(axis=1).tolist()
