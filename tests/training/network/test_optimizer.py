import keras
import numpy as np
import pytest

from bench.config.recipe import load_recipe
from bench.training.network.optimizer import averaged, make_optimizer


def recipe(**changes):
    return load_recipe("finetune").model_copy(update=changes)


def variables():
    return [keras.Variable(np.ones((2, 3), np.float32)), keras.Variable(np.ones(3, np.float32))]


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop"])
def test_decay_spares_vectors(name):
    matrix, vector = variables()
    optimizer = make_optimizer(recipe(optimizer=name, weight_decay=0.1), [matrix, vector])
    optimizer.learning_rate = 0.5
    optimizer.apply([np.zeros((2, 3), np.float32), np.zeros(3, np.float32)], [matrix, vector])
    np.testing.assert_allclose(matrix.numpy(), 1 - 0.5 * 0.1, rtol=1e-6)
    np.testing.assert_allclose(vector.numpy(), 1)


def test_averages_are_there_inside_alone():
    matrix, vector = variables()
    sgd = recipe(optimizer="sgd", ema_momentum=0.5)
    optimizer = make_optimizer(sgd, [matrix, vector])
    optimizer.learning_rate = 1.0
    seen = []
    for _ in range(3):
        optimizer.apply([np.ones((2, 3), np.float32), np.ones(3, np.float32)], [matrix, vector])
        seen.append(vector.numpy()[0])
    average = seen[0]  # the average starts at the first step's value
    for value in seen[1:]:
        average = 0.5 * average + 0.5 * value
    with averaged(sgd, optimizer, [matrix, vector]):
        assert vector.numpy()[0] == pytest.approx(average)
    assert vector.numpy()[0] == seen[-1]


def test_without_averaging_nothing_changes_inside():
    matrix, vector = variables()
    optimizer = make_optimizer(recipe(), [matrix, vector])
    with averaged(recipe(), optimizer, [matrix, vector]):
        assert (matrix.numpy() == 1).all()
