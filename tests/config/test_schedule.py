import csv
from collections import defaultdict
from pathlib import Path

import pytest

from bench.config.recipe import load_recipe, recipe_names
from bench.config.schedule import exponential_lr, fed_back_rates, learning_rates, planned_rates

GOLDEN = Path(__file__).parent.parent / "golden" / "schedules.csv"
# A schedule of the golden file that is a recipe's at another number of replicas.
EIGHT_REPLICAS = "finetune-8-replicas"


def golden() -> dict[str, list[tuple[float, float]]]:
    rows = defaultdict(list)
    with GOLDEN.open() as file:
        for row in csv.DictReader(file):
            rows[row["recipe"]].append((float(row["learning_rate"]), float(row["learning_rate_as_run"])))
    return dict(rows)


@pytest.mark.parametrize("recipe", sorted(golden()))
def test_both_columns_of_the_log(recipe):
    expected = golden()[recipe]
    schedule = (
        load_recipe("finetune").schedule.scaled(1, replicas=8)
        if recipe == EIGHT_REPLICAS
        else load_recipe(recipe).schedule
    )
    epochs = len(expected)
    assert planned_rates(schedule, epochs) == pytest.approx(
        [planned for planned, _ in expected], rel=1e-8
    )  # the file has ten digits
    assert fed_back_rates(schedule, epochs) == pytest.approx(
        [as_run for _, as_run in expected], rel=1e-8
    )  # the file has ten digits


@pytest.mark.parametrize("recipe", sorted(set(golden()) - {EIGHT_REPLICAS}))
def test_shipped_recipes_train_as_many_epochs_as_the_log(recipe):
    assert load_recipe(recipe).epochs == len(golden()[recipe])


def test_a_scaled_schedule_has_every_rate_scaled():
    schedule = load_recipe("seed-vgg16-bn").schedule
    assert planned_rates(schedule.scaled(3), 30) == pytest.approx([3 * rate for rate in planned_rates(schedule, 30)])
    assert schedule.scaled(1, replicas=8) == schedule  # which does not ask for more with more replicas


def test_feedback_is_what_a_recipe_asks_for():
    schedule = load_recipe("petals-baseline").schedule
    fed_back = schedule.model_copy(update={"start_lr_feedback": True})
    assert learning_rates(schedule, 12) == planned_rates(schedule, 12)
    assert learning_rates(fed_back, 12) == fed_back_rates(schedule, 12) != planned_rates(schedule, 12)


def test_keras_feeds_the_rate_back():
    """The notebooks' mistake, by Keras itself: a schedule's second parameter is the current rate."""
    import keras
    import numpy as np

    schedule = load_recipe("seed-vgg16-bn").schedule
    seen = []

    def as_in_the_notebooks(epoch, start_lr):
        seen.append(exponential_lr(epoch, schedule, start_lr))
        return seen[-1]

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    zeros = np.zeros((1, 1), np.float32)
    model.fit(
        zeros, zeros, epochs=10, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(as_in_the_notebooks)]
    )
    assert seen == pytest.approx(fed_back_rates(schedule, 10), rel=1e-6)


def test_every_schedule_peaks_after_its_ramp():
    for name in recipe_names():
        recipe = load_recipe(name)
        if recipe.epochs > recipe.schedule.ramp_epochs:
            assert exponential_lr(recipe.schedule.ramp_epochs, recipe.schedule) == pytest.approx(recipe.schedule.max_lr)
