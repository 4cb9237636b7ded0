"""The recipe of a command: a built-in one or a file of the user, with fields set by `--set`; numbers of options."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.config.base import first_problem
from bench.config.recipe import Recipe, load_recipe, parse_recipe, recipe_names
from bench.config.schedule import Schedule
from bench.errors import UserError, unknown

_SETTABLE = tuple(name for name in Recipe.model_fields if name not in ("name", "description", "schedule"))
FIELDS = (*_SETTABLE, *(f"schedule.{name}" for name in Schedule.model_fields))


def choose_recipe(given: str, settings: Sequence[str] = ()) -> Recipe:
    """The recipe named `given`, or that of the TOML file, with every FIELD=VALUE of `settings` set.

    Changed fields are added to the name, so that results stay apart.

    Raises:
        UserError: no such recipe or file, an unknown field, or an impossible value.
    """
    recipe = _from_file(Path(given)) if given.endswith(".toml") or "/" in given or "\\" in given else load_recipe(given)
    return _with(recipe, settings) if settings else recipe


def _from_file(path: Path) -> Recipe:
    if path.stem in recipe_names():
        raise UserError(f"Recipe '{path}': '{path.stem}' is the name of a built-in recipe. Rename the file.")
    try:
        return parse_recipe(path.stem, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UserError(f"Recipe '{path}' cannot be read: {reason}.") from None


def settings_between(base: Recipe, recipe: Recipe) -> tuple[str, ...]:
    """FIELD=VALUE, as `--set` takes them, of every field in which `recipe` differs from `base`."""
    before, after = (_fields(which.model_dump()) for which in (base, recipe))
    return tuple(f"{field}={_as_toml(value)}" for field, value in after.items() if value != before[field])


def _with(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    content = recipe.model_dump()
    for setting in settings:
        field, value = _parsed(setting)
        *parents, last = field.split(".")
        (content[parents[0]] if parents else content)[last] = value
    try:
        changed = Recipe(**content)
    except ValidationError as error:
        raise UserError(f"--set {' --set '.join(settings)}: {first_problem(error)}.") from None
    slugs = sorted(map(_slug, settings_between(recipe, changed)))
    return changed.model_copy(update={"name": "-".join([recipe.name, *slugs])})


def _fields(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field: content["schedule"][field.removeprefix("schedule.")] if "." in field else content[field]
        for field in FIELDS
    }


def _as_toml(value: Any) -> str:
    # Values of a recipe are written alike in JSON and in TOML; words go without quotes.
    return value if isinstance(value, str) else json.dumps(value)


def _parsed(setting: str) -> tuple[str, Any]:
    field, equals, text = (part.strip() for part in setting.partition("="))
    if not equals or not text:
        raise UserError(f"--set '{setting}': expected FIELD=VALUE, as in epochs=5 or schedule.max_lr=0.01.")
    if field not in FIELDS:
        raise unknown("field of a recipe", field, FIELDS)
    try:
        return field, tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return field, text  # a word without quotes


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def parse_resolutions(text: str) -> tuple[int, ...]:
    """`224,512` as numbers.

    Raises:
        UserError: something else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UserError(f"--px '{text}': expected resolutions in pixels, as in 224 or 224,512.")
    return tuple(dict.fromkeys(int(part) for part in parts))


def parse_scales(text: str) -> tuple[float, ...]:
    """`0.3,1,3` as numbers.

    Raises:
        UserError: something else.
    """
    try:
        scales = tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError:
        scales = (0.0,)
    if not all(0 < scale < inf for scale in scales):
        raise UserError(f"--lr-scale '{text}': expected factors above 0, as in 0.3,1,3.")
    return scales
