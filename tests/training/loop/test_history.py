import math

import pytest

from bench.config.recipe import load_recipe
from bench.training.loop.history import EpochRow, did_not_train, reached, selection_facts, should_stop


def recipe(patience, ramp=2):
    base = load_recipe("finetune")
    schedule = base.schedule.model_copy(update={"ramp_epochs": ramp})
    return base.model_copy(update={"early_stopping_patience": patience, "schedule": schedule})


@pytest.mark.parametrize(
    ("scores", "stop"),
    [
        ([], False),
        ([0.9, 0.1], False),  # the ramp: no best score comes from it
        ([0.9, 0.1, 0.3], False),
        ([0.9, 0.1, 0.3, 0.2], False),
        ([0.9, 0.1, 0.3, 0.2, 0.3], True),  # equal is not better
        ([0.9, 0.1, 0.3, 0.2, 0.31], False),
    ],
)
def test_two_epochs_of_patience_after_the_ramp(scores, stop):
    assert should_stop(recipe(2), scores) is stop


def test_no_patience_never_stops():
    assert not should_stop(recipe(0), [0.5, 0.4, 0.3, 0.2, 0.1])


def test_the_first_epoch_that_reaches_the_target():
    assert reached(0.9, [0.1, 0.9, 0.95], [10.0, 2.0, 2.0]) == (2, 12.0)
    assert reached(0.99, [0.1, 0.9, 0.95], [10.0, 2.0, 2.0]) is None
    assert reached(None, [1.0], [1.0]) is None


def row(epoch, score):
    return EpochRow(epoch, 0.1, 1.0, 0.5, 1.0, 0.5, score, 2.0, 0.1)


def test_fields_of_metrics_about_stopping_and_target():
    asked = recipe(1).model_copy(update={"target_f1": 0.5})
    rows = [row(epoch, score) for epoch, score in enumerate((0.1, 0.2, 0.6, 0.5))]
    facts = selection_facts(asked, rows, 12.0)
    assert facts == {"selected_on_validation": True, "target_f1": 0.5, "target_epoch": 3, "target_seconds": 16.0}
    assert not selection_facts(asked.model_copy(update={"epochs": 4}), rows, 2.0)["selected_on_validation"]


@pytest.mark.parametrize(
    ("loss", "val_loss", "flagged"),
    [
        (0.24, math.log(8), True),  # a training loss of another kind, near that of guessing
        (0.24, 1.5, False),
        (0.01, 2.1, False),  # learnt by heart: a validation loss near ln(8) is a coincidence
        (2.08, math.log(8), False),
    ],
)
def test_a_run_that_did_not_train_ends_at_both_losses_of_guessing(loss, val_loss, flagged):
    last = EpochRow(1, 0.1, loss, 0.1, val_loss, 0.1, 0.1, 2.0, 0.1)
    assert did_not_train([row(0, 0.1), last], classes=8, chance_loss=0.25) is flagged
