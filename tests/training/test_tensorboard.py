"""Event files, as TensorBoard reads them."""

import pytest
from helpers_data import make_data
from helpers_jobs import finetune_job

from bench.errors import UserError
from bench.store.store import Store
from bench.training import job, tensorboard
from bench.training.results import JobContext


def carry_out(asked, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("")
    job.handle(asked, lambda event: None, log)


def curve(run, column):
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(run.paths.tensorboard), size_guidance={TENSORS: 0}).Reload()
    return [float(make_ndarray(event.tensor_proto)) for event in events.Tensors(column)]


@pytest.mark.parametrize("trainable", ["all", "none"])
def test_every_column_of_the_history_is_a_curve(tmp_path, trainable):
    data = make_data(tmp_path / "flowers", (32,))
    asked = finetune_job(data, tmp_path / "runs", trainable=trainable).model_copy(update={"tensorboard": True})
    carry_out(asked, tmp_path)
    run = Store(tmp_path / "runs").get("tiny")
    for column in ("learning_rate", "val_macro_f1", "train_seconds"):
        assert curve(run, column) == pytest.approx(run.history[column].tolist(), rel=1e-6)


def test_epochs_that_were_trained_anew_leave_no_curve(tmp_path, monkeypatch):
    data = make_data(tmp_path / "flowers", (32,))
    asked = finetune_job(data, tmp_path / "runs", epochs=2).model_copy(update={"tensorboard": True})
    with monkeypatch.context() as full:
        full.setattr(JobContext, "save", lambda self, trained: 1 / 0)
        carry_out(asked, tmp_path)
    carry_out(asked.model_copy(update={"on_oom": "shrink", "at_once": 2}), tmp_path)
    run = Store(tmp_path / "runs").get("tiny")
    assert curve(run, "loss") == pytest.approx(run.history["loss"].tolist(), rel=1e-6)


def test_a_missing_package_is_the_users_mistake(tmp_path, monkeypatch):
    """Reported before the data set is opened, which does not exist."""
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    asked = finetune_job(make_data(tmp_path / "flowers", (32,)), tmp_path / "runs").model_copy(
        update={"tensorboard": True, "data": "nowhere"}
    )
    with pytest.raises(UserError, match="needs the package tensorboard"):
        job.handle(asked, lambda event: None, tmp_path / "log.txt")
