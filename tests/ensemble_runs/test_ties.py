import json

import numpy as np
import pytest
from helpers_store import combine, make_outputs, save_run

from bench.ensemble_runs import ties
from bench.ensemble_runs.ties import Marks, alike_ensembles, indistinguishable
from bench.ensemble_runs.workbench import Protocol
from bench.store.store import Store

SIZES = {"val": 120, "test": 20}
LARGER = {"val": 200, "test": 30}


@pytest.fixture
def store(tmp_path):
    """Two runs of high skill and one of none."""
    store = Store(tmp_path / "runs")
    for number, (name, skill) in enumerate({"a": 3.0, "b": 3.0, "c": 0.0}.items()):
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=make_outputs(seed=number, skill=skill, **SIZES))
    return store


def alike(store):
    found = indistinguishable(list(store.runs()), Marks(store))
    return {run_id[0]: same for run_id, same in found.items()}


def test_runs_of_the_same_skill_are_alike(store):
    assert alike(store) == {"a": True, "b": True, "c": False}
    assert indistinguishable([], Marks(store)) == {}


def test_runs_of_other_images_have_no_verdict(store):
    save_run(store, "d-224-frozen-s0-00000000", outputs=make_outputs(seed=5, skill=0.0, ids="other", **SIZES))
    assert set(alike(store)) == set("abc")


def test_verdicts_are_read_again_unless_another_version_wrote_them(store, monkeypatch):
    alike(store)
    (key,) = json.loads(store.marks.read_text())["verdicts"]  # c is too far from the best to be compared
    store.marks.write_text(json.dumps({"form": ties.MARKS_VERSION, "verdicts": {key: False}}))
    assert sorted(alike(store).values()) == [False, False, True]
    store.marks.write_text(json.dumps({"form": "digest of an earlier version", "verdicts": {key: False}}))
    assert alike(store) == {"a": True, "b": True, "c": False}
    monkeypatch.setattr(ties, "MARKS_VERSION", ties.MARKS_VERSION + 1)
    monkeypatch.setattr(ties, "_within_noise", lambda *_: False)
    assert sorted(alike(store).values()) == [False, False, True]


def test_ensembles_are_compared_by_held_out_predictions(store):
    protocol = Protocol(folds=3, repeats=2)
    first, second = (combine(store, method, None, ("a-224", "b-224"), protocol) for method in ("mean", "geometric"))
    found = alike_ensembles([first, second, store.get("c-224")], Marks(store))
    assert found == {first.run_id: True, second.run_id: True}
    assert alike_ensembles([store.get("c-224")], Marks(store)) == {}


def test_the_best_and_those_like_it(tmp_path):
    """One run is the best, one differs from it in a single image, one guesses."""
    store = Store(tmp_path / "runs")
    outputs = make_outputs(seed=0, skill=4.0, **LARGER)
    save_run(store, "best-224-frozen-s0-00000000", outputs=outputs)
    twin = make_outputs(seed=0, skill=4.0, **LARGER)
    row = int(np.flatnonzero(twin.log_probs["val"].argmax(1) == np.array(twin.images.val_labels))[0])
    twin.log_probs["val"][row] = np.roll(twin.log_probs["val"][row], 1)
    save_run(store, "twin-224-frozen-s0-00000000", outputs=twin)
    save_run(store, "poor-224-frozen-s0-00000000", outputs=make_outputs(seed=2, skill=0.0, **LARGER))
    alike = {run_id.split("-")[0]: same for run_id, same in indistinguishable(list(store.runs()), Marks(store)).items()}
    assert alike == {"best": True, "twin": True, "poor": False}


def test_a_clear_difference_within_overlapping_intervals_is_seen(tmp_path):
    """Paired, because the second run errs wherever the first does and on twelve images more."""
    store = Store(tmp_path / "runs")
    outputs = make_outputs(seed=0, skill=2.0, **LARGER)
    save_run(store, "best-224-frozen-s0-00000000", outputs=outputs)
    worse = make_outputs(seed=0, skill=2.0, **LARGER)
    right = np.flatnonzero(worse.log_probs["val"].argmax(1) == np.array(worse.images.val_labels))[:12]
    worse.log_probs["val"][right] = np.roll(worse.log_probs["val"][right], 1, axis=1)
    save_run(store, "worse-224-frozen-s0-00000000", outputs=worse)
    best, second = (store.get(name).result.metrics for name in ("best", "worse"))
    assert best.macro_f1_low < second.macro_f1_high
    assert indistinguishable(list(store.runs()), Marks(store))["worse-224-frozen-s0-00000000"] is False


def test_a_run_that_saw_validation_is_no_reference_and_has_no_verdict(store):
    before = alike(store)
    cheat = save_run(store, "x-224-frozen-s0-00000000", outputs=make_outputs(seed=7, skill=9.0, **SIZES))
    metrics = cheat.result.metrics.model_copy(update={"saw_validation": True})
    cheat.paths.result.write_text(cheat.result.model_copy(update={"metrics": metrics}).model_dump_json())
    assert alike(Store(store.root)) == before
