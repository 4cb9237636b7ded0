"""Recipes as pictures of their schedules."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench.config import Recipe, load_recipe, recipe_names
from bench.errors import UserError
from bench.report.figures import schedule
from bench.report.figures.style import house_style, save
from bench.report.files import write
from bench.schedule import learning_rates, planned_rates


def schedule_frame(recipe: Recipe) -> pd.DataFrame:
    """A row an epoch: epoch from 0, learning_rate as the recipe says, learning_rate_as_run as it trains."""
    epochs = recipe.epochs
    return pd.DataFrame(
        {
            "epoch": range(epochs),
            "learning_rate": planned_rates(recipe.schedule, epochs),
            "learning_rate_as_run": learning_rates(recipe.schedule, epochs),
        }
    )


def draw_recipes(path: Path) -> Path:
    """Draws the schedule of every recipe that comes along, as planned and as run where that differs.

    Raises:
        UserError: not a name of a PNG, or it cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise UserError(f"Cannot draw into '{path}': expected a file that ends in .png.")
    frames = {name: schedule_frame(load_recipe(name)) for name in recipe_names()}
    try:
        with house_style():
            figure = schedule.draw(frames)
            write(path, lambda temporary: save(figure, temporary))
    except OSError as error:
        raise UserError(f"Cannot write '{path}': {error.strerror}. Choose another file.") from None
    return path
