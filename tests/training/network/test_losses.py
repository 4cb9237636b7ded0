import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from bench.config.recipe import load_recipe
from bench.training.network.losses import class_weights, example_losses

RNG = np.random.default_rng(0)
LABELS = RNG.integers(5, size=40)
LOGITS = RNG.normal(0, 3, (40, 5)).astype(np.float32)
ONE_HOT = np.eye(5, dtype=np.float32)[LABELS]
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)


def recipe(**changes):
    return load_recipe("finetune").model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "reference"),
    [
        ({}, keras.losses.CategoricalCrossentropy(from_logits=True, reduction=None)),
        (
            {"label_smoothing": 0.1},
            keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction=None),
        ),
        (
            {"loss": "focal", "focal_gamma": 1.5},
            keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=1.5, from_logits=True, reduction=None),
        ),
        (
            {"loss": "huber", "huber_delta": 0.3},
            lambda labels, logits: keras.losses.Huber(delta=0.3, reduction=None)(labels, keras.ops.softmax(logits)),
        ),
    ],
)
def test_losses_are_those_of_keras(changes, reference):
    ours = np.asarray(example_losses(recipe(**changes), LABELS, LOGITS))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, np.asarray(reference(ONE_HOT, LOGITS)), rtol=2e-4, atol=1e-5)


def test_half_precision_logits_are_scored_in_single():
    import tensorflow as tf

    assert example_losses(recipe(), LABELS, tf.cast(LOGITS, tf.float16)).dtype == tf.float32


def test_balanced_weights_are_those_of_scikit_learn():
    labels = np.repeat(np.arange(5), [1, 2, 3, 10, 24])
    expected = compute_class_weight("balanced", classes=np.arange(5), y=labels)
    np.testing.assert_allclose(class_weights(recipe(class_weighting="balanced"), labels, 5), expected, rtol=1e-6)


def test_a_class_without_images_weighs_nothing():
    assert class_weights(recipe(class_weighting="balanced"), np.array([0, 0, 2]), 3).tolist() == [0.5, 0.0, 1.0]


def test_without_weighting_all_weigh_one():
    assert class_weights(recipe(), LABELS, 5).tolist() == [1.0] * 5
