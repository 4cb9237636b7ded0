"""Optimizers of Keras, with the settings of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from bench.config.recipe import Recipe

SGD_MOMENTUM = 0.9


def make_optimizer(
    recipe: Recipe, variables: Sequence[Any], *, loss_scaling: bool = False
) -> keras.optimizers.Optimizer:
    """An optimizer, built on these variables.

    Weight decay is decoupled (Loshchilov and Hutter, arXiv:1711.05101) and spares vectors: biases and the scale and
    offset of normalisations.

    Args:
        recipe: optimizer, weight decay, averaging.
        variables: trainable variables, in the order of the gradients to come.
        loss_scaling: needed by float16, in which small gradients would vanish.
    """
    averaging = {"use_ema": True, "ema_momentum": recipe.ema_momentum} if recipe.ema_momentum else {}
    settings = {"learning_rate": recipe.schedule.start_lr, "weight_decay": recipe.weight_decay or None, **averaging}
    optimizer = _optimizer(recipe.optimizer, settings)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_list=[v for v in variables if len(v.shape) < 2])
    if loss_scaling:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer


def _optimizer(name: str, settings: dict[str, Any]) -> keras.optimizers.Optimizer:
    if name == "sgd":
        return keras.optimizers.SGD(momentum=SGD_MOMENTUM, nesterov=True, **settings)
    return {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[name](**settings)


@contextmanager
def averaged(recipe: Recipe, optimizer: keras.optimizers.Optimizer, variables: Sequence[Any]) -> Iterator[None]:
    """Inside, variables hold their moving averages if the recipe averages; afterwards their own values."""
    if not recipe.ema_momentum:
        yield
        return
    own = [variable.numpy() for variable in variables]
    getattr(optimizer, "inner_optimizer", optimizer).finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, value in zip(variables, own, strict=True):
            variable.assign(value)
