"""Rows of `list recipes`, `list runs` and `list data`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis.rows import recipe_label
from bench.config.recipe import Recipe, load_recipe, recipe_names
from bench.data.sample.dataset import is_made
from bench.data.source import SAMPLE, find, names
from bench.errors import UserError
from bench.store.result import Result
from bench.store.store import Store

Rows = Sequence[dict[str, Any]]
_RARE = (
    "label_smoothing",
    "focal_gamma",
    "huber_delta",
    "class_weighting",
    "weight_decay",
    "ema_momentum",
    "early_stopping_patience",
    "target_f1",
)


def recipe_rows() -> Rows:
    """A row per recipe of the package."""
    recipes = [load_recipe(name) for name in recipe_names()]
    return [
        {
            "recipe": recipe.name,
            "trainable": recipe.trainable,
            "head": ", ".join(recipe.head),
            "epochs": recipe.epochs,
            "batch": recipe.batch_per_replica,
            "optimizer": recipe.optimizer,
            "loss": recipe.loss,
            "augmentation": recipe.augmentation,
            "learning rate": "{start_lr:g} to {max_lr:g} to {min_lr:g}".format(**recipe.schedule.model_dump()),
            "besides": rare_settings(recipe),
            "description": recipe.description,
        }
        for recipe in recipes
    ]


def rare_settings(recipe: Recipe) -> str:
    """Fields that few recipes set, with their values: `weight_decay 0.01, target_f1 0.9`."""
    changed = recipe.model_dump(exclude_defaults=True)
    settings = [f"{name} {changed[name]}" for name in _RARE if name in changed]
    return ", ".join(settings + ["start_lr_feedback"] * recipe.schedule.start_lr_feedback)


def run_rows(store: Store) -> Rows:
    """A row per finished run, best first in each data set, then a row per failed run.

    Macro F1 of an ensemble is the cross-fitted one. Seconds are those of steady training, of an ensemble's members.
    """
    results = sorted((run.result for run in store.runs()), key=lambda result: (result.data, -_macro_f1(result)))
    rows = [
        {
            "data": result.data,
            "run": result.run_id,
            "recipe": recipe_label(result),
            "status": "ok",
            "macro F1": round(_macro_f1(result), 4),
            "test macro F1": _rounded(result.metrics.test_macro_f1, 4),
            "train s": _rounded(result.cost.steady_seconds, 1),
            "ms/image": _rounded(result.cost.inference_ms_per_image, 1),
            "weights": result.weights,
        }
        for result in results
    ]
    failed = [
        {"data": failure.data, "run": failure.run_id, "status": f"failed ({failure.kind})"}
        for failure in store.failures()
    ]
    return rows + failed


def _macro_f1(result: Result) -> float:
    return result.combination.cross_fitted if result.combination else result.metrics.macro_f1


def data_rows() -> Rows:
    """A row per data set that has a name."""
    return [_data_row(name) for name in names()]


def _data_row(name: str) -> dict[str, Any]:
    if name == SAMPLE and not is_made():
        return {"data": name, "px": "", "classes": None, "folder": "made on first use"}
    try:
        source = find(name)
    except UserError as error:
        return {"data": name, "px": "", "classes": None, "folder": f"unusable: {error}"}
    classes = None if source.class_names is None else len(source.class_names)
    return {"data": name, "px": ", ".join(map(str, source.resolutions)), "classes": classes, "folder": str(source.root)}


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
