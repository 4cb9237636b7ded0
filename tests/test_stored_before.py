"""A store that an earlier version wrote (commit 2a80695: 6 runs, 10 ensembles, a failed run) is read as it was.

Its results.csv and pareto.csv were written by that version. Of its logs and its traceback, only the text was taken out.
"""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.config.run import RunConfig
from bench.ensemble_runs.candidates import predictions
from bench.store.selection import superseded
from bench.store.store import Store

STORE = Path(__file__).parent / "golden" / "store-2a80695.zip"
ENSEMBLES = 10


@pytest.fixture
def before(tmp_path):
    """The folder that holds `runs` and `reports`; the working directory of `call`."""
    with zipfile.ZipFile(STORE) as file:
        file.extractall(tmp_path)
    return tmp_path


def test_the_rows_of_runs_are_the_same_to_the_last_byte(before, call):
    """Ties alone may change: they are corrected for their number now, and judged over seeds."""
    old, new = (rows.drop(columns="indistinguishable_from_best") for rows in reported(before, call))
    runs = old.index[old["kind"] == "run"]
    assert len(runs) == 7
    pd.testing.assert_frame_equal(new.loc[runs, old.columns], old.loc[runs])


def test_the_rows_of_ensembles_keep_their_members_and_gains(before, call):
    """Their other scores are held out now, and their costs are steady seconds of the members."""
    old, new = reported(before, call)
    made = old.index[old["kind"] == "ensemble"]
    assert len(made) == ENSEMBLES
    gains = [name for name in old if "gain" in name or "cross_fitted" in name]
    same = ["data", "members", "test_macro_f1", "inference_ms_per_image", "parameters", *gains]
    pd.testing.assert_frame_equal(new.loc[made, same], old.loc[made, same])
    assert (new.loc[made, "macro_f1"] == new.loc[made, "macro_f1_cross_fitted"]).all()
    assert (new.loc[made, "macro_f1_in_sample"] == old.loc[made, "macro_f1"]).all()


def test_fields_that_were_not_kept_are_empty(before, call):
    _, new = reported(before, call)
    assert new["schema_version"].unique().tolist() == ["1"]
    assert new["csv_schema_version"].unique().tolist() == ["2"]
    assert new[["kernels", "training_code"]].eq("").all(axis=None)
    trained = new[(new["recipe"] != "") & (new["status"] == "ok")]
    assert trained["versions"].str.contains("keras 3.15.1").all()
    assert (trained[["configuration", "recipe_digest", "data_fingerprint"]] != "").all(axis=None)


def reported(before, call):
    """The text of results.csv as it was and as it is now, both by run_id."""
    path = before / "reports" / "results.csv"
    old = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("run_id")
    path.unlink()
    status, _, _ = call("report")
    assert status == 0
    return old, pd.read_csv(path, dtype=str, keep_default_na=False).set_index("run_id").loc[old.index]


def test_single_options_keep_their_names_runs_and_scores(before, call):
    """Changed on purpose: the rest of a recommendation.

    Training is now in steady seconds, and an ensemble or a cascade is charged its members or stages, not all
    candidates. The ensembles of that version are no options: both seeds of a configuration were candidates, of which
    one is today. Of the options that fit and cannot be told apart, the cheapest is recommended, not the best by score;
    differences are corrected for their number, so that an interval is no narrower than it was. The
    interval of several seeds is that of their mean.
    """
    path = before / "reports" / "pareto.csv"
    old = pd.read_csv(path).set_index("option")
    path.unlink()
    status, _, _ = call("recommend", "--max-ms-per-image", "1")
    assert status == 0
    new = pd.read_csv(path).set_index("option")
    assert list(new.columns)[: len(old.columns)] == list(old.columns)
    singles = old.index[old["kind"] == "single"]
    assert len(singles) == 5
    assert set(new.index) == set(singles)
    same, bounds = ["kind", "run_ids", "macro_f1", "ms_per_image", "device"], ["macro_f1_low", "macro_f1_high"]
    pd.testing.assert_frame_equal(new.loc[singles, same], old.loc[singles, same])
    of_one_seed = [name for name in singles if ";" not in old.loc[name, "run_ids"]]
    assert len(of_one_seed) == 4
    pd.testing.assert_frame_equal(new.loc[of_one_seed, bounds], old.loc[of_one_seed, bounds])
    assert (new["train_seconds"] <= old.loc[new.index, "train_seconds"]).all()
    assert (new["search_seconds"] >= new["train_seconds"].sum()).all()
    assert new.loc["elsewhere", ["outcome", "reason"]].equals(old.loc["elsewhere", ["outcome", "reason"]])
    outcomes = new["outcome"].drop("elsewhere")
    assert outcomes.to_dict() == {
        "tiny@224 frozen": "recommended",
        "tiny@224 frozen-flip-epochs-4": "worse",
        "tiny@224 finetune-epochs-1": "worse",
        "tiny@224 frozen-flip-epochs-4 lr x0.3": "worse",
    }


def test_the_same_configuration_has_the_same_name(before):
    trained = [run for run in Store(before / "runs").runs() if run.result.recipe]
    assert len(trained) == 5
    for run in trained:
        assert RunConfig.model_validate(run.config).run_id(run.result.data_fingerprint) == run.run_id


def test_stored_ensembles_are_made_again_and_superseded(before, call):
    """Their names did not cover all that they were made from."""
    stored = set(Store(before / "runs").run_ids())
    ensembles = [run.result.combination for run in Store(before / "runs").runs() if run.result.combination]
    assert len(ensembles) == ENSEMBLES
    for made in ensembles:
        status, _, _ = call("ensemble", made.method, "--members", *made.candidates)
        assert status == 0
    store = Store(before / "runs")
    old = {run_id for run_id in stored if run_id.startswith("ensemble-")}
    assert superseded(run.result for run in store.runs()) == old
    again = [store.get(run_id).combination for run_id in set(store.run_ids()) - stored]
    for one in (ensembles, again):
        one.sort(key=lambda made: (made.method, made.candidates))
    assert [made.members for made in again] == [made.members for made in ensembles]
    assert [made.cross_fitted for made in again] == pytest.approx([made.cross_fitted for made in ensembles])


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
