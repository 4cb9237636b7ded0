"""Recipes of the report: as trained by stored runs, their schedules as frames, and a picture of all shipped ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.analysis.rows import recipe_label
from bench.config.recipe import Recipe, load_recipe, recipe_names
from bench.config.schedule import learning_rates, planned_rates
from bench.errors import UserError
from bench.files import write_atomic
from bench.report.figures import schedule
from bench.report.figures.style import house_style, save
from bench.store.store import StoredRun


def trained_recipes(runs: Sequence[StoredRun]) -> dict[str, Recipe]:
    """Label -> recipe with the rates of its runs."""
    return {label: _as_trained(run) for run in runs if (label := recipe_label(run.result))}


def _as_trained(run: StoredRun) -> Recipe:
    recipe, scale = Recipe.model_validate(run.config["recipe"]), run.result.lr_scale or 1.0
    scaled = recipe.schedule.scaled(scale, run.result.setup.replicas)
    text = recipe.description if scale == 1.0 else f"{recipe.description}; every learning rate times {scale:g}"
    return recipe.model_copy(update={"schedule": scaled, "description": text})


def schedule_frame(recipe: Recipe) -> pd.DataFrame:
    """One row an epoch: epoch from 0, learning_rate of the recipe, learning_rate_as_run of the optimizer."""
    epochs = recipe.epochs
    return pd.DataFrame(
        {
            "epoch": range(epochs),
            "learning_rate": planned_rates(recipe.schedule, epochs),
            "learning_rate_as_run": learning_rates(recipe.schedule, epochs),
        }
    )


def draw_recipes(path: Path) -> Path:
    """Draws the schedule of every shipped recipe, as planned and, if that differs, as run.

    Raises:
        UserError: the name does not end in .png, or the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise UserError(f"Cannot draw into '{path}': expected a file that ends in .png.")
    frames = {name: schedule_frame(load_recipe(name)) for name in recipe_names()}
    try:
        with house_style():
            figure = schedule.draw(frames)
            write_atomic(path, lambda file: save(figure, file))
    except OSError as error:
        raise UserError(f"Cannot write '{path}': {error.strerror}. Choose another file.") from None
    return path
