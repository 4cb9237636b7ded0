"""A store that an earlier version wrote (commit 2a80695: 6 runs, 10 ensembles, a failed run) is read as it was.

Its results.csv and pareto.csv were written by that version. Of its logs and its traceback, only the text was taken out.
"""

import csv
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.config.run import RunConfig
from bench.ensemble_runs.candidates import predictions
from bench.store.store import Store

STORE = Path(__file__).parent / "golden" / "store-2a80695.zip"
ENSEMBLES = 10


@pytest.fixture
def before(tmp_path):
    """The folder that holds `runs` and `reports`; the working directory of `call`."""
    with zipfile.ZipFile(STORE) as file:
        file.extractall(tmp_path)
    return tmp_path


def rows(folder):
    """Rows of results.csv by name, as text."""
    with (folder / "reports" / "results.csv").open(newline="", encoding="utf-8") as file:
        return {row["run_id"]: row for row in csv.DictReader(file)}


def test_runs_have_the_same_rows_to_the_last_digit(before, call):
    """In the columns that they had; rows of ensembles are of held-out scores since."""
    expected = rows(before)
    (before / "reports" / "results.csv").unlink()
    status, _, _ = call("report")
    found = rows(before)
    assert status == 0
    assert set(found) == set(expected)
    runs = {name: row for name, row in expected.items() if row["kind"] == "run"}
    assert len(runs) == 7
    for name, row in runs.items():
        assert {column: found[name][column] for column in row} == row
        assert found[name]["kernels"] == found[name]["training_code"] == ""


def test_recommendations_are_the_same(before, call):
    expected = pd.read_csv(before / "reports" / "pareto.csv")
    (before / "reports" / "pareto.csv").unlink()
    status, _, _ = call("recommend", "--max-ms-per-image", "1")
    assert status == 0
    # Cascades are fitted anew, and another processor rounds otherwise.
    pd.testing.assert_frame_equal(pd.read_csv(before / "reports" / "pareto.csv"), expected, rtol=1e-4)


def test_the_same_configuration_has_the_same_name(before):
    trained = [run for run in Store(before / "runs").runs() if run.result.recipe]
    assert len(trained) == 5
    for run in trained:
        assert RunConfig.model_validate(run.config).run_id(run.result.data_fingerprint) == run.run_id


def test_stored_ensembles_are_found_again(before, call):
    stored = set(Store(before / "runs").run_ids())
    ensembles = [run.result.combination for run in Store(before / "runs").runs() if run.result.combination]
    assert len(ensembles) == ENSEMBLES
    for made in ensembles:
        status, _, _ = call("ensemble", made.method, "--members", *made.candidates)
        assert status == 0
    assert set(Store(before / "runs").run_ids()) == stored


def test_predictions_of_an_ensemble_are_made_again_from_its_members(before):
    store = Store(before / "runs")
    ensembles = [run for run in store.runs() if run.result.combination]
    assert len(ensembles) == ENSEMBLES
    for ensemble in ensembles:
        for split in ("val", "test"):
            again = predictions(store, ensemble, split)
            np.testing.assert_allclose(again, np.exp(ensemble.log_probs(split)), atol=1e-5)


def test_every_run_is_shown_and_the_failure_listed(before, call):
    for run in Store(before / "runs").runs():
        status, out, _ = call("show", run.run_id)
        assert status == 0
        assert run.run_id in out
    status, out, _ = call("list", "runs")
    assert status == 0
    assert "failed (nan)" in out
