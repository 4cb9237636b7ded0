import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from bench.config.recipe import load_recipe
from bench.training.network.losses import chance_loss, class_weights, example_losses

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


@pytest.mark.parametrize("gamma", [0.0, 0.25, 0.5, 1.0, 2.0, 5.0])
def test_the_focal_loss_has_finite_slopes_on_a_perfectly_fitted_image(gamma):
    import tensorflow as tf

    logits = tf.Variable([[200.0, 0.0, 0.0], [20.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        losses = example_losses(recipe(loss="focal", focal_gamma=gamma), tf.constant([0, 0, 0]), logits)
    assert np.isfinite(losses).all()
    assert np.isfinite(tape.gradient(losses, logits)).all()


def test_focal_without_focus_is_cross_entropy():
    focal = example_losses(recipe(loss="focal", focal_gamma=0.0), LABELS, LOGITS)
    np.testing.assert_array_equal(focal, example_losses(recipe(), LABELS, LOGITS))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, np.log(8)),
        ({"label_smoothing": 0.1}, np.log(8)),
        ({"loss": "focal", "focal_gamma": 2.0}, (7 / 8) ** 2 * np.log(8)),
        ({"loss": "huber", "huber_delta": 1.0}, ((7 / 8) ** 2 + 7 * (1 / 8) ** 2) / 2 / 8),
    ],
)
def test_the_loss_of_guessing(changes, expected):
    assert chance_loss(recipe(**changes), 8) == pytest.approx(expected, rel=1e-6)
