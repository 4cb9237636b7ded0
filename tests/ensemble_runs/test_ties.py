import json

import numpy as np
import pytest
from helpers_store import combine, make_outputs, save_run

from bench.ensemble_runs import ties
from bench.ensemble_runs.ties import Marks, compare_configurations, compare_ensembles
from bench.ensemble_runs.workbench import Protocol
from bench.store.configuration import configurations
from bench.store.store import Store
from ensembles.uncertainty import paired_difference

SIZES = {"val": 120, "test": 20}
LARGER = {"val": 200, "test": 30}


@pytest.fixture
def store(tmp_path):
    """Two runs of high skill and one of none."""
    store = Store(tmp_path / "runs")
    for number, (name, skill) in enumerate({"a": 3.0, "b": 3.0, "c": 0.0}.items()):
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=make_outputs(seed=number, skill=skill, **SIZES))
    return store


def compared(store):
    """First word of a run's name -> comparison with the best configuration."""
    found = compare_configurations(configurations(store.runs()), Marks(store))
    return {run_id.split("-")[0]: one for run_id, one in found.items()}


def tied(store):
    return {name: one.tied for name, one in compared(store).items()}


def test_runs_of_the_same_skill_are_alike(store):
    (same, one), (other, two) = sorted(tied(store).items())
    assert same in "ab"
    assert (one, other, two) == (True, "c", False)
    assert compare_configurations([], Marks(store)) == {}


def test_a_comparison_is_the_paired_difference_at_the_level_of_holm(store):
    """Of two comparisons the clearer one has level 1 - 0.05 / 2, the other 0.95."""
    ranked = configurations(store.runs())
    labels = np.array(ranked[0].member.images.val_labels)
    pairs = [paired_difference(labels, ranked[0].predicted, one.predicted, 4, resamples=400) for one in ranked[1:]]
    near, far = (compared(store)[one.member.run_id[0]] for one in ranked[1:])
    assert far.comparisons == near.comparisons == 2
    assert (far.low, far.high) == pytest.approx(pairs[1].bounds(0.975))
    assert (near.low, near.high) == pytest.approx(pairs[0].bounds(0.95))
    assert far.p_value == pytest.approx(2 * pairs[1].p_value)
    assert near.p_value == pytest.approx(pairs[0].p_value)
    assert near.difference == pytest.approx(ranked[0].macro_f1 - ranked[1].macro_f1)


def test_more_comparisons_find_fewer_differences(tmp_path):
    """A difference that one comparison sees is within the noise among forty that see none."""
    store = Store(tmp_path / "runs")
    outputs = make_outputs(seed=0, skill=2.0, **LARGER)
    save_run(store, "best-224-frozen-s0-00000000", outputs=outputs)

    def save_worse(name, images):
        worse = make_outputs(seed=0, skill=2.0, **LARGER)
        right = np.flatnonzero(worse.log_probs["val"].argmax(1) == np.array(worse.images.val_labels))[:images]
        worse.log_probs["val"][right] = np.roll(worse.log_probs["val"][right], 1, axis=1)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=worse)

    save_worse("worse", 7)
    assert tied(store) == {"worse": False}
    for number in range(40):
        save_worse(f"n{number}", 1)
    assert all(tied(store).values())


def test_seeds_are_judged_together_not_by_the_luckiest(tmp_path):
    """Two runs of one configuration, one lucky and one not, against two good ones."""
    store = Store(tmp_path / "runs")
    for name, skills in {"lucky": (5.0, 0.5), "steady": (3.0, 3.0)}.items():
        for seed, skill in enumerate(skills):
            outputs = make_outputs(seed=10 * len(name) + seed, skill=skill, **SIZES)
            save_run(store, f"{name}-224-frozen-s{seed}-00000000", outputs=outputs, seed=seed)
    runs = {run.run_id.split("-s")[0] + run.run_id.split("-s")[1][0]: run for run in store.runs()}
    assert max(runs, key=lambda name: runs[name].result.metrics.macro_f1).startswith("lucky")
    assert set(compared(store)) == {"lucky"}  # the steady one is the reference


def test_differences_are_read_again_unless_another_version_wrote_them(store, monkeypatch):
    before = tied(store)
    content = json.loads(store.marks.read_text())
    assert len(content["differences"]) == 2
    none = {key: {"estimate": 0.0, "centre": 0.0, "deviation": 1.0, "freedom": 99} for key in content["differences"]}
    store.marks.write_text(json.dumps({"form": ties.MARKS_VERSION, "differences": none}))
    assert set(tied(store).values()) == {True}
    monkeypatch.setattr(ties, "MARKS_VERSION", ties.MARKS_VERSION + 1)
    assert tied(store) == before


def test_ensembles_are_compared_by_held_out_predictions(store):
    protocol = Protocol(folds=3, repeats=2)
    first, second = (combine(store, method, None, ("a-224", "b-224"), protocol) for method in ("mean", "geometric"))
    best, other = sorted((first, second), key=lambda stored: (-stored.combination.cross_fitted, stored.run_id))
    found = compare_ensembles([first, second, store.get("c-224")], Marks(store))
    assert list(found) == [other.run_id]
    assert found[other.run_id].tied
    assert found[other.run_id].difference == best.combination.cross_fitted - other.combination.cross_fitted
    assert compare_ensembles([store.get("c-224")], Marks(store)) == {}


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
    assert tied(store) == {"twin": True, "poor": False}


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
    assert tied(store) == {"worse": False}


def test_a_run_that_saw_validation_is_no_reference_and_has_no_verdict(store):
    before = compared(store)
    cheat = save_run(store, "x-224-frozen-s0-00000000", outputs=make_outputs(seed=7, skill=9.0, **SIZES))
    metrics = cheat.result.metrics.model_copy(update={"saw_validation": True})
    cheat.paths.result.write_text(cheat.result.model_copy(update={"metrics": metrics}).model_dump_json())
    assert compared(Store(store.root)) == before
