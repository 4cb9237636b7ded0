"""Plugins on the command line: which are loaded, what is said of those that fail, and what a run records of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import backbones
from backbones import plugins
from backbones.plugins import NoPythonError, PluginError
from backbones.registry import UnknownBackboneError
from bench.config import RunConfig
from bench.errors import UserError
from bench.jobs import TrainJob

RELEASE = "=="  # stands in the name of an installed plugin


def use(files: Sequence[Path]) -> int:
    """Loads the plugins of `--plugin`, and says which fail. Returns how many.

    Raises:
        UserError: a file that is not there, or no Python.
    """
    failed = 0
    for file in files:
        try:
            plugins.load_file(file.expanduser())
        except NoPythonError as error:
            raise UserError(str(error)) from None
        except PluginError as error:
            failed += 1
            _warn(str(error))
    for line in plugins.slow():
        _warn(line)
    return failed


def use_installed() -> None:
    """Loads installed plugins, once, and says which fail."""
    told = len(plugins.failures()), len(plugins.slow())
    plugins.load_installed()
    for line in (*plugins.failures()[told[0] :], *plugins.slow()[told[1] :]):
        _warn(line)


def use_again(files: Sequence[str]) -> None:
    """In a child: loads what the parent could load.

    Raises:
        UserError: it cannot be loaded any more.
    """
    for file in files:
        try:
            plugins.load_file(Path(file))
        except PluginError as error:
            raise UserError(str(error)) from None


def label(backbone: str) -> str | None:
    """How a run's configuration names the plugin that its backbone comes from; None: it is one of ours."""
    plugin = plugins.origin(backbone)
    return plugin.label if plugin else None


def file_of(backbone: str) -> str | None:
    """The file of `--plugin` that a backbone comes from."""
    plugin = plugins.origin(backbone)
    return str(plugin.file) if plugin and plugin.file else None


def described(backbone: str) -> dict[str, dict[str, str]]:
    """What environment.json says of the plugin."""
    plugin = plugins.origin(backbone)
    if plugin is None:
        return {}
    return {
        "plugin": {"name": plugin.name, "sha256": plugin.digest} | ({"file": str(plugin.file)} if plugin.file else {})
    }


def lack(job: TrainJob) -> str | None:
    """In a child: why the job's backbone is not the one that its runs are named after; None: it is."""
    asked = job.runs[0].config.plugin
    if asked is None:
        return None
    try:
        if job.plugin:
            plugins.load_file(Path(job.plugin))
        backbones.get(job.backbone)
    except (PluginError, UnknownBackboneError) as error:
        return str(error)
    found = label(job.backbone)
    return None if found == asked else f"the plugin {asked} is {found} by now: run the command again"


def check_known(run_id: str, config: RunConfig) -> None:
    """Whether a stored run's backbone is here; says so where its plugin is no longer the one that trained it.

    Raises:
        UserError: it is not known.
    """
    try:
        backbones.get(config.backbone)
    except UnknownBackboneError as error:
        if config.plugin is None:
            raise UserError(str(error)) from None
        remedy = "give it with --plugin FILE" if is_file(config.plugin) else "install it"
        raise UserError(
            f"{run_id} needs the backbone '{config.backbone}' of the plugin {config.plugin}: {remedy}."
        ) from None
    found = label(config.backbone)
    if found != config.plugin:
        _warn(f"{run_id} was trained with {_of(config.plugin)}, and here {config.backbone} is {_of(found)}.")


def _of(plugin: str | None) -> str:
    return f"that of the plugin {plugin}" if plugin else "that of petalbench"


def is_file(plugin: str) -> bool:
    """Whether a label is that of a file."""
    return RELEASE not in plugin


def source(plugin: str) -> str:
    """A label without its digest: `net.py`, `net==1.0`."""
    return plugin.rpartition("@")[0]


def _warn(line: str) -> None:
    print(f"WARNING: {line}", file=sys.stderr)
