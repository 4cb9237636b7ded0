import numpy as np
import pytest
import tensorflow as tf

from bench.errors import UserError
from bench.jobs.messages import Failed, Finished
from bench.training.failures import NonFiniteLossError, OutOfMemoryError, check_finite, report_outcome


def raising(error):
    def train():
        raise error

    return train


def outcome(train):
    events = []
    report_outcome("a", events.append, train)
    (event,) = events
    assert event.run_id == "a"
    assert event.seconds >= 0
    return event


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (NonFiniteLossError("loss is nan"), "nan", "NonFiniteLossError: loss is nan"),
        (OutOfMemoryError("4 images\nat once"), "oom", "OutOfMemoryError: 4 images"),
        (MemoryError(), "oom", "MemoryError"),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when"), "oom", "ResourceExhaustedError: OOM when"),
        (ValueError("x"), "error", "ValueError: x"),
    ],
)
def test_an_exception_is_a_failure_of_its_kind(error, kind, reason):
    event = outcome(raising(error))
    assert isinstance(event, Failed)
    assert (event.kind, event.reason) == (kind, reason)


def test_a_score_is_a_finished_run():
    event = outcome(lambda: 0.5)
    assert isinstance(event, Finished)
    assert event.macro_f1 == 0.5


def test_a_mistake_of_the_user_is_no_failed_run():
    with pytest.raises(UserError, match="mend it"):
        report_outcome("a", pytest.fail, raising(UserError("mend it")))


def test_the_first_step_that_is_not_finite_is_named():
    check_finite([0.5, 0.25], 0)
    with pytest.raises(NonFiniteLossError, match=r"^loss is inf in epoch 2, step 3$"):
        check_finite([0.5, 0.25, float("inf"), float("nan")], 1)
    with pytest.raises(NonFiniteLossError, match=r"^loss is nan in epoch 1, step 2$"):
        check_finite(np.array([0.5, 0.25, 0.5, np.nan], np.float32), 0, step_images=2)
