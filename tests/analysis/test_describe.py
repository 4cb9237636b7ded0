import json
import shutil

import numpy as np
import pytest
from helpers_store import combine, make_failure, make_outputs, save_run
from sklearn.metrics import f1_score

from bench.analysis.describe import as_dict, describe_run
from bench.analysis.listings import run_rows
from bench.analysis.publish import report_input
from bench.ensemble_runs.candidates import HELD_OUT
from bench.ensemble_runs.workbench import Protocol
from bench.store.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    for number, skill in enumerate((1.0, 3.0)):
        save_run(store, f"run{number}-224-frozen-s0-00000000", outputs=make_outputs(number, val=40, skill=skill))
    return store


def test_a_run_whole(store):
    run = store.get("run1")
    content = as_dict(run)
    json.dumps(content)
    predicted = run.log_probs("val").argmax(axis=1)
    expected = f1_score(run.images.val_labels, predicted, average=None, labels=range(4), zero_division=0)
    np.testing.assert_allclose([row["f1"] for row in content["per_class"]], expected)
    assert sum(row["images"] for row in content["per_class"]) == 40
    text = describe_run(content, run.paths.folder)
    for part in ("run1-224", "metrics.macro_f1", "recipe.schedule.max_lr", "versions.python", "class 3", "loss"):
        assert part in text


def test_an_ensemble_tells_what_became_of_its_members(store):
    ensemble = combine(store, "mean", None, (), Protocol(3, 1))
    shutil.rmtree(store.root / "run0-224-frozen-s0-00000000")
    found = as_dict(ensemble, store)["members"]
    assert [(row["member"][:4], row["state"]) for row in found] == [
        ("run0", "is no longer in the store"),
        ("run1", "in the store"),
    ]
    text = describe_run(as_dict(ensemble, store), ensemble.paths.folder)
    assert "is no longer in the store" in text
    assert "bins_before" not in text  # pages of numbers are for the report
    assert as_dict(store.get("run1"), store)["members"] == []


def test_scores_of_an_ensemble_are_held_out_and_those_of_the_fit_are_called_in_sample(store):
    """A stack of few images knows all of those it was fitted on."""
    ensemble = combine(store, "stack", None, (), Protocol(3, 2))
    labels, held_out = np.array(ensemble.images.val_labels), ensemble.arrays[HELD_OUT]
    content = as_dict(ensemble, store)
    found = content["result"]["metrics"]
    assert found["macro_f1"] == ensemble.combination.cross_fitted < found["macro_f1_in_sample"]
    assert found["accuracy"] == pytest.approx((held_out == labels).mean())
    assert found["accuracy_in_sample"] == ensemble.result.metrics.accuracy > found["accuracy"]
    assert found["log_loss"] == ensemble.combination.held_out.log_loss > found["log_loss_in_sample"]
    each = [f1_score(labels, row, average=None, labels=range(4), zero_division=0) for row in held_out]
    np.testing.assert_allclose([row["f1"] for row in content["per_class"]], np.mean(each, axis=0))
    text = describe_run(content, ensemble.paths.folder)
    assert "metrics.macro_f1_in_sample" in text
    assert "fit_score" not in text


def test_a_failed_attempt_of_a_finished_run_is_one_line_of_it_and_counts_nowhere(store):
    """Recorded before it finished, and by a command that began before and failed after."""
    (before, after) = store.run_ids()
    failure = make_failure(before, kind="oom", reason="no memory", seconds=7.0)
    store.record_failure(failure)
    save_run(store, before, outputs=make_outputs(0, val=40))
    store.record_failure(make_failure(after, kind="nan", reason="loss is nan"))
    run = store.get(before)
    lines = describe_run(as_dict(run, store), run.paths.folder).splitlines()
    assert lines[lines.index("Failed attempt") + 1] == f"{failure.when}, after 7.0 s (oom): no memory"
    content = as_dict(store.get(after), store)["failed_attempt"]
    assert (content["kind"], content["reason"]) == ("nan", "loss is nan")
    assert "Failed attempt" not in describe_run(as_dict(run), run.paths.folder)
    assert [row["status"] for row in run_rows(store)] == ["ok", "ok"]
    assert report_input(store, None).failures == []
