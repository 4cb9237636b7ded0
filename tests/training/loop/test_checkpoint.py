import errno
from dataclasses import asdict

import pytest
from helpers_training import assert_same, examples, recipe, training

from bench.errors import UserError
from bench.training.loop import checkpoint as module
from bench.training.loop.checkpoint import Checkpoint, Identity
from bench.training.loop.epochs import Fit, Listeners

TRAIN, VAL = examples(21), examples(10, 1)
ASKED = recipe(
    epochs=4,
    head=("batch_norm", "dropout:0.5", "gap", "softmax"),
    augmentation="flip",
    ema_momentum=0.5,
    weight_decay=0.01,
)


class KilledError(Exception):
    pass


def fit(path, *, die_after=None, run_id="a", heard=None, **conditions):
    made = training(ASKED, TRAIN, VAL)

    def on_step(epoch, done):
        if die_after is not None and (epoch, done) == die_after:
            raise KilledError

    listeners = Listeners(on_step=on_step, on_restart=print if heard is None else heard.append)
    return made, Fit(made, listeners, Checkpoint(path, identity(run_id, **conditions), made.variables)).run()


def identity(run_id, **conditions):
    return Identity(run_id, {"replicas": 1, "global_batch": 8, "device": "gpu", **conditions})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The checkpoint of a training that was never interrupted, the training, and its progress."""
    path = tmp_path_factory.mktemp("finished") / "a.npz"
    return path, *fit(path)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """Progress at an interruption in the third epoch; then the training that went on, and its progress."""
    path = tmp_path_factory.mktemp("interrupted") / "a.npz"
    with pytest.raises(KilledError):
        fit(path, die_after=(2, 2))
    before = Checkpoint(path, identity("a"), training(ASKED, TRAIN, VAL).variables).restore()
    return before, *fit(path)


def test_interrupted_equals_uninterrupted(finished, interrupted):
    """Dropout's seeds, Adam's moments, averages and the order of images continue from the interruption."""
    _, whole, expected = finished
    _, resumed, found = interrupted
    assert found.interruptions == 1
    assert [row.epoch for row in found.rows] == [0, 1, 2, 3]
    clocks = ("train_seconds", "eval_seconds", "checkpoint_seconds", "input_wait_seconds")
    for ours, theirs in zip(found.rows, expected.rows, strict=True):
        kept = {name: value for name, value in asdict(ours).items() if name not in clocks}
        assert kept == pytest.approx({name: asdict(theirs)[name] for name in kept}, abs=1e-5)
    assert_same(whole, resumed, 1e-5)


def test_clocks_add_up(interrupted):
    before, _, found = interrupted
    assert [row.train_seconds for row in found.rows[:2]] == [row.train_seconds for row in before.rows]
    assert found.startup_seconds > before.startup_seconds > 0
    assert (before.starts, found.starts) == ((0,), (0, 2))


def test_a_finished_training_is_not_trained_further(finished):
    path, _, first = finished
    _, again = fit(path)
    assert [row.loss for row in again.rows] == [row.loss for row in first.rows]


def test_another_runs_checkpoint_is_refused(finished):
    with pytest.raises(UserError, match=r"of another configuration \(a\) than b"):
        fit(finished[0], run_id="b")


@pytest.mark.parametrize("condition", [{"replicas": 2}, {"global_batch": 4}, {"device": "cpu"}, {"keras": "3.99"}])
def test_under_other_conditions_training_begins_anew(finished, tmp_path, condition):
    """All epochs are then of the conditions that the result names, and so are all seconds."""
    path, heard = tmp_path / "a.npz", []
    with pytest.raises(KilledError):
        fit(path, die_after=(2, 2))
    ((name, value),) = condition.items()
    before = {"replicas": 1, "global_batch": 8, "device": "gpu"}.get(name)
    _, found = fit(path, heard=heard, **condition)
    assert heard == [f"starts anew: its checkpoint is of {name} {before}, and now it is {value}"]
    assert (found.interruptions, found.starts) == (0, (0,))
    assert [row.loss for row in found.rows] == pytest.approx([row.loss for row in finished[2].rows], abs=1e-5)


def test_a_checkpoint_of_another_version_begins_anew(tmp_path, monkeypatch):
    heard = []
    with monkeypatch.context() as older:
        older.setattr(module, "LAYOUT", 1)
        fit(tmp_path / "a.npz")
    _, found = fit(tmp_path / "a.npz", heard=heard)
    assert heard == ["starts anew: its checkpoint was written by another version of petalbench"]
    assert found.interruptions == 0


def test_a_damaged_checkpoint_is_named(finished, tmp_path):
    content = finished[0].read_bytes()
    (tmp_path / "a.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged"):
        fit(tmp_path / "a.npz")


def test_a_full_disk_leaves_the_last_complete_epoch(tmp_path, monkeypatch):
    calls, write = [], module.write_atomic

    def full(path, content):
        calls.append(path)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(module, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        fit(tmp_path / "a.npz")
    monkeypatch.undo()
    _, found = fit(tmp_path / "a.npz")
    assert len(found.rows) == 4
    assert found.interruptions == 1
