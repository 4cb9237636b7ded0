import numpy as np
import pytest
import tensorflow as tf
from helpers_training import examples, recipe, training

from bench.training.loop.prediction import Pace, predicted


def test_every_row_is_predicted_once():
    made = training(recipe(), examples(8), examples(21, 1))
    found, pace = predicted(made, made.val)
    images = made.val.source.lookup(np.arange(21), None)
    expected = tf.nn.log_softmax(made.network.model(made.network.adapter.prepare(images)))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert [images for _, images in pace.steps] == [8, 8, 5]


def test_the_pace_is_that_of_full_steps_after_the_first():
    pace = Pace([(8.0, 4), (1.0, 4), (3.0, 4), (0.1, 1)])
    assert pace.batch == 4
    assert pace.ms_per_image == pytest.approx(1000 * 2.0 / 4)
    assert Pace([(8.0, 4), (0.1, 1)]).ms_per_image == pytest.approx(2000)
