"""The commands that repeat the rows of a report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import backbones
from bench import plugins
from bench.config.overrides import choose_recipe, settings_between
from bench.config.recipe import Recipe, load_recipe, recipe_names
from bench.data.source import SAMPLE, USUAL_PX
from bench.errors import UserError
from bench.matrix.request import Options
from bench.store.ensemble_result import Combination
from bench.store.result import Result
from bench.store.selection import superseded
from bench.store.store import StoredRun


def commands(runs: Sequence[StoredRun], data: str, everyone: Sequence[str]) -> str:
    """One command a line, for one data set.

    Args:
        runs: all of the data set.
        data: its name.
        everyone: the candidates of an ensemble that is asked for without naming any.
    """
    stored, path = ("", "") if data == SAMPLE else (f" --data {data}", f" --data path/to/{data}")
    trained: dict[str, list[Result]] = {}
    for run in runs:
        if run.result.recipe:
            trained.setdefault(f"{path}{_options(run)}", []).append(run.result)
    groups = [part for options, results in trained.items() for part in _parts(results, options, data)]
    lines = [_run_command(results, options) for options, results in sorted(groups, key=lambda part: part[0])]
    results = [run.result for run in runs]
    installed = {result.plugin for result in results if result.plugin and not plugins.is_file(result.plugin)}
    packages = [f"# with the plugin {plugins.source(plugin)} installed" for plugin in sorted(installed)]
    older = superseded(results)
    current = [result.combination for result in results if result.combination and result.run_id not in older]
    return "\n".join(packages + lines + sorted({f"{_ensemble_command(made, everyone)}{stored}" for made in current}))


def _parts(results: Sequence[Result], options: str, data: str) -> list[tuple[str, Sequence[Result]]]:
    """Options of a command, and its runs: random weights are asked for, unless the policy `auto` falls back to them."""
    random = [result for result in results if result.weights == "random"]
    others = [result for result in results if result.weights != "random"]
    if data == SAMPLE or not random or (others and _is_everything(results)):
        return [(options, results)]
    return [(f"{options} --weights random", random), *([(options, others)] if others else [])]


def _is_everything(results: Sequence[Result]) -> bool:
    """Whether `--all` makes these runs: of its four, and beside random ones the packaged backbones."""
    names, random = (
        {result.backbone for result in results},
        {one.backbone for one in results if one.weights == "random"},
    )
    expected = set(backbones.MATRIX)
    if random and random <= expected and names != expected:
        expected |= set(backbones.PACKAGED)
    found = {(result.backbone, result.image_px) for result in results}
    return found == {(name, px) for name in expected for px in USUAL_PX}


def _run_command(results: Sequence[Result], options: str) -> str:
    """The command that makes these runs, which share their options."""
    found = {(result.backbone, result.image_px) for result in results}
    words = "--all" if _is_everything(results) else " ".join(sorted(f"{name}@{px}" for name, px in found))
    scales = sorted({result.lr_scale or 1.0 for result in results})
    scaled = "" if scales == [1.0] else f" --lr-scale {','.join(f'{scale:g}' for scale in scales)}"
    seeds = len({result.seed for result in results})
    return f"python -m bench run {words}{options}{scaled}" + (f" --seeds {seeds}" if seeds > 1 else "")


def _options(run: StoredRun) -> str:
    """The options of a run, without the axes of the matrix (backbone, resolution, rate, seed) and random weights."""
    file, at, _ = (run.result.weights or "").rpartition("@")
    given = f" --weights {shlex.quote('path/to/' + file)}" if at else ""
    return f"{_plugin(run.result)}{_recipe(Recipe.model_validate(run.config['recipe']))}{_changed_options(run)}{given}"


def _plugin(result: Result) -> str:
    if result.plugin is None or not plugins.is_file(result.plugin):
        return ""
    return f" --plugin {shlex.quote('path/to/' + plugins.source(result.plugin))}"


def _recipe(recipe: Recipe) -> str:
    """The options for this recipe: a built-in one with fields set over it, else a file of the user."""
    for name in sorted(recipe_names(), key=len, reverse=True):
        settings = settings_between(load_recipe(name), recipe)
        if _gives(recipe, name, settings):
            sets = "".join(f" --set {shlex.quote(setting)}" for setting in settings)
            return ("" if name == "frozen" else f" --recipe {name}") + sets
    return f" --recipe path/to/{recipe.name}.toml"


def _gives(recipe: Recipe, name: str, settings: Sequence[str]) -> bool:
    try:
        chosen = choose_recipe(name, settings)
    except UserError:  # the recipe lacks a field that the command line cannot remove
        return False
    return chosen == recipe.model_copy(update={"description": chosen.description})


def _changed_options(run: StoredRun) -> str:
    """Options that differ from the defaults of the command."""
    words = ""
    for name, usual in Options().shared().items():
        value = run.config.get(name, usual)
        if value != usual:
            words += f" --{name.replace('_', '-')}" + ("" if value is True else f" {value}")
    return words


def _ensemble_command(made: Combination, everyone: Sequence[str]) -> str:
    """The command that makes an ensemble; its candidates are named unless they are those of all runs."""
    budget = "" if made.max_cost_ms is None else f" --max-cost {made.max_cost_ms:g}"
    named = "" if set(made.candidates) == set(everyone) else f" --members {' '.join(made.candidates)}"
    return f"python -m bench ensemble {made.method}{budget}{named}"
