"""The networks that a run needs, and errors for missing ones."""

import dataclasses
import hashlib
import json
import shutil

import numpy as np
import pytest
from helpers_store import combine, make_outputs, save_run

import backbones
from backbones import registry
from backbones.base import WeightsFile
from bench.ensemble_runs.candidates import stacked
from bench.ensemble_runs.workbench import Protocol
from bench.errors import UserError
from bench.predictions.predict.networks import NetworkOutputs, UnreadablePicture, combined, needed
from bench.store.result import Cost
from bench.store.store import Store

QUICK = Protocol(folds=3, repeats=1)
METHODS = ("top2", "geometric", "greedy", "blend", "stack", "cascade", "mean+prior")


@pytest.fixture
def own(trained, tmp_path):
    shutil.copytree(trained.store.root, tmp_path / "runs", ignore=shutil.ignore_patterns(".*"))
    return Store(tmp_path / "runs")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_combines_what_its_members_say(tmp_path, method):
    store = Store(tmp_path / "runs")
    for number, name in enumerate("abc"):
        cost = Cost(train_seconds_full=10.0, inference_ms_per_image=1.0 + number)
        outputs = make_outputs(seed=number, skill=1.0 + 0.4 * number, val=60, test=20)
        save_run(store, f"{name}-32-frozen-s0-00000000", outputs=outputs, backbone=name, family=name, cost=cost)
    ensemble = combine(store, method, None, (), QUICK)
    runs = list(store.runs())
    found = dict(zip([run.run_id for run in runs], stacked(runs, "test"), strict=True))
    np.testing.assert_allclose(combined(store, ensemble, found), np.exp(ensemble.log_probs("test")), atol=1e-5)


def test_an_ensemble_of_ensembles_needs_each_network_once(trained, own):
    ids = [trained.run_ids[name] for name in ("tuned", "frozen", "head")]
    inner = combine(own, "mean", None, tuple(ids[:2]), QUICK)
    outer = combine(own, "geometric", None, (inner.run_id, ids[1], ids[2]), QUICK)
    networks = needed(own, outer, ())
    assert sorted(kept.run_id for kept in networks) == sorted(ids)
    assert [kept.weights for kept in networks if kept.run_id == ids[2]] == [str(trained.weights)]
    assert {kept.weights for kept in networks if kept.run_id != ids[2]} == {None}
    found = dict(zip(ids, stacked([own.get(name) for name in ids], "val"), strict=True))
    np.testing.assert_allclose(combined(own, outer, found), np.exp(outer.log_probs("val")), atol=1e-5)


def test_a_member_without_weights_is_named(trained, own):
    ids = tuple(trained.run_ids[name] for name in ("frozen", "none"))
    ensemble = combine(own, "mean", None, ids, QUICK)
    with pytest.raises(UserError, match=f"{ensemble.run_id} cannot predict: its member {ids[1]} kept no weights"):
        needed(own, ensemble, ())
    shutil.rmtree(own.root / ids[0])
    with pytest.raises(UserError, match=f"its member {ids[0]} is no longer in the store"):
        needed(own, ensemble, ())


def test_an_added_run_has_no_network(tmp_path):
    store = Store(tmp_path / "runs")
    run = save_run(store, "vit-0", added=True)
    with pytest.raises(UserError, match="vit-0 was made elsewhere and added: only its predictions are here"):
        needed(store, run, ())


def test_a_weights_file_that_moved_or_changed(trained, own, tmp_path):
    run = own.get(trained.run_ids["head"])
    moved, other = tmp_path / "moved.weights.h5", tmp_path / "other.weights.h5"
    shutil.copy(trained.weights, moved)
    other.write_bytes(b"something else")
    environment = run.paths.environment
    content = json.loads(environment.read_text())
    for place, problem in ((tmp_path / "gone.weights.h5", "is gone"), (other, "has another digest by now")):
        run.__dict__["environment"] = {**content, "weights_file": str(place)}
        with pytest.raises(UserError, match=f"{place.name}' {problem}. Give that file with --weights FILE"):
            needed(own, run, ())
        assert needed(own, run, (other, moved))[0].weights == str(moved)
    with pytest.raises(UserError, match="No weights file at"):
        needed(own, run, (tmp_path / "nowhere.h5",))


def test_a_model_that_was_changed_is_refused(trained, own):
    run = own.get(trained.run_ids["frozen"])
    run.paths.model.write_bytes(b"another")
    with pytest.raises(UserError, match="was changed after it was written"):
        needed(own, run, ())


@pytest.fixture
def published(trained, own, own_registry, monkeypatch):
    """The run `head`, as one that stands on published weights: those of its file."""
    tiny, run = backbones.get("tiny"), own.get(trained.run_ids["head"])
    file = WeightsFile("tiny.weights.h5", hashlib.md5(trained.weights.read_bytes()).hexdigest(), "")
    monkeypatch.setitem(registry._registered, "tiny", dataclasses.replace(tiny, weights_file=file))
    run.__dict__["config"] = {**run.config, "weights": "imagenet"}
    return run


def test_published_weights_are_taken_from_where_they_were(trained, own, published):
    assert needed(own, published, ())[0].weights == str(trained.weights)


def test_published_weights_that_moved_are_given_as_a_file_or_a_folder(trained, own, published, tmp_path):
    published.__dict__["environment"] = {**published.environment, "weights_file": str(tmp_path / "gone.h5")}
    with pytest.raises(UserError, match=r"ImageNet weights of tiny: .* is missing"):
        needed(own, published, ())
    (tmp_path / "folder").mkdir()
    shutil.copy(trained.weights, tmp_path / "any.weights.h5")
    shutil.copy(trained.weights, tmp_path / "folder" / "tiny.weights.h5")
    for place, found in (("any.weights.h5", "any.weights.h5"), ("folder", "folder/tiny.weights.h5")):
        assert needed(own, published, (tmp_path / place,))[0].weights == str(tmp_path / found)
    with pytest.raises(UserError, match="No weights file at"):
        needed(own, published, (tmp_path / "nowhere",))


def test_outputs_of_a_child_survive_their_file(tmp_path):
    probs = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    for faults in ([], [UnreadablePicture(1, "empty"), UnreadablePicture(3, "no picture: 'é'")]):
        NetworkOutputs(probs, faults).save(tmp_path / "o.npz")
        again = NetworkOutputs.load(tmp_path / "o.npz")
        np.testing.assert_array_equal(again.probs, probs)
        assert list(again.faults) == faults
