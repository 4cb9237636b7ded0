"""Losses: one value for each image, from its logits, and the weight of its class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.config.recipe import Recipe

_LEAST_MISSING = 1e-12  # 1 - p, of the focal loss


def example_losses(recipe: Recipe, labels: Any, logits: Any) -> Any:
    """The loss of each image, before class weights.

    Args:
        recipe: names the loss. `cross_entropy` with `label_smoothing` e spreads e evenly over all classes (Szegedy et
            al., arXiv:1512.00567); `focal` is (1 - p)^gamma times cross-entropy, p the probability of the label (Lin et
            al., arXiv:1708.02002, without alpha); `huber` compares the probabilities with the one-hot label, mean over
            classes, as `keras.losses.Huber` does.
        labels: integers (B,).
        logits: (B, C), of any floating type.

    Returns:
        float32 (B,).
    """
    logits = tf.cast(logits, tf.float32)
    if recipe.loss == "huber":
        return _huber(recipe.huber_delta, labels, logits)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    if recipe.loss == "focal":
        # Never 0: below gamma = 1 its power has no finite slope there, and a perfectly fitted image is there.
        missing = tf.maximum(-tf.math.expm1(-cross_entropy), _LEAST_MISSING)
        return missing**recipe.focal_gamma * cross_entropy
    if recipe.label_smoothing:
        uniform = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=1)
        return (1.0 - recipe.label_smoothing) * cross_entropy + recipe.label_smoothing * uniform
    return cross_entropy


def chance_loss(recipe: Recipe, classes: int) -> float:
    """The loss of a network that gives all classes the same probability."""
    return float(example_losses(recipe, [0], tf.zeros((1, classes)))[0])


def class_weights(recipe: Recipe, labels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.float32]:
    """The weight of every class in the loss: float32 (C,), 1 unless the recipe balances.

    `balanced` is N / (C * n_c), as scikit-learn's `class_weight="balanced"`; a class without images weighs 0.
    """
    if recipe.class_weighting == "none":
        return np.ones(classes, np.float32)
    counts = np.bincount(labels, minlength=classes)
    weights = len(labels) / (classes * np.maximum(counts, 1)) * (counts > 0)
    return np.asarray(weights, np.float32)


def _huber(delta: float, labels: Any, logits: Any) -> Any:
    errors = tf.abs(tf.one_hot(labels, tf.shape(logits)[1]) - tf.nn.softmax(logits))
    return tf.reduce_mean(tf.where(errors <= delta, errors**2 / 2, delta * errors - delta**2 / 2), axis=1)
