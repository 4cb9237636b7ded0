"""Plugins on the command line: which are loaded, what is said of those that fail, and what a run records of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import backbones
from backbones import plugins
from backbones.plugins import NoPythonError, PluginError
from backbones.registry import UnknownBackboneError
from bench.errors import UserError

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


def missing_reason(backbone: str, asked: str | None, file: str | None) -> str | None:
    """In a child: why a backbone is not that of the plugin which the runs are named after; None: it is.

    Args:
        backbone: its name.
        asked: the plugin's label in the runs' configuration; None: the backbone is one of ours.
        file: the plugin's file; None: it is installed.
    """
    if asked is None:
        return None
    try:
        if file:
            plugins.load_file(Path(file))
        backbones.get(backbone)
    except (PluginError, UnknownBackboneError) as error:
        return str(error)
    found = label(backbone)
    return None if found == asked else f"the plugin {asked} is {found} by now: run the command again"


def check_known(run_id: str, backbone: str, plugin: str | None) -> None:
    """Checks that a stored run's backbone is registered; warns if its plugin is no longer the one that trained it.

    Args:
        run_id: the stored run.
        backbone: its backbone.
        plugin: the label of the plugin that it was trained with; None: the backbone is one of ours.

    Raises:
        UserError: it is not known.
    """
    try:
        backbones.get(backbone)
    except UnknownBackboneError as error:
        if plugin is None:
            raise UserError(str(error)) from None
        remedy = "give it with --plugin FILE" if is_file(plugin) else "install it"
        raise UserError(f"{run_id} needs the backbone '{backbone}' of the plugin {plugin}: {remedy}.") from None
    found = label(backbone)
    if found != plugin:
        _warn(f"{run_id} was trained with {_of(plugin)}, and here {backbone} is {_of(found)}.")


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
