"""Plugins of a command: loading, warnings of those that fail, and the record of a run's plugin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import backbones
from backbones import plugins
from backbones.plugins import NoPythonError, PluginError
from backbones.registry import UnknownBackboneError
from bench.errors import UserError

RELEASE = "=="  # part of the name of an installed plugin


def use(files: Sequence[Path]) -> int:
    """Loads the plugins of `--plugin`, and warns of those that fail. Returns their number.

    Raises:
        UserError: a file that is missing or not Python.
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
    """Loads installed plugins, once, and warns of those that fail."""
    before = {*plugins.failures(), *plugins.slow()}
    for line in (*plugins.load_installed(), *plugins.slow()):
        if line not in before:
            _warn(line)


def use_again(files: Sequence[str]) -> None:
    """In a child: loads the files that the parent loaded.

    Raises:
        UserError: a file that fails now.
    """
    for file in files:
        try:
            plugins.load_file(Path(file))
        except PluginError as error:
            raise UserError(str(error)) from None


def label(backbone: str) -> str | None:
    """The name of a backbone's plugin in a run's configuration; None: a built-in backbone."""
    plugin = plugins.origin(backbone)
    return plugin.label if plugin else None


def file_of(backbone: str) -> str | None:
    """The file of `--plugin` that registered a backbone; None: another origin."""
    plugin = plugins.origin(backbone)
    return str(plugin.file) if plugin and plugin.file else None


def described(backbone: str) -> dict[str, dict[str, str]]:
    """The plugin of a backbone, as an entry of environment.json; empty: a built-in backbone."""
    plugin = plugins.origin(backbone)
    if plugin is None:
        return {}
    file = {"file": str(plugin.file)} if plugin.file else {}
    return {"plugin": {"name": plugin.name, "sha256": plugin.digest, **file}}


def missing_reason(backbone: str, asked: str | None, file: str | None) -> str | None:
    """In a child: the reason why a backbone is not that of the plugin in the name of the runs; None: the same.

    Args:
        backbone: its name.
        asked: the plugin's label in the runs' configuration; None: a built-in backbone.
        file: the plugin's file; None: an installed plugin.
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
        plugin: label of the plugin at that time; None: a built-in backbone.

    Raises:
        UserError: an unknown backbone.
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
        _warn(f"{run_id} was trained with {_owner(plugin)}, and here {backbone} is {_owner(found)}.")


def _owner(plugin: str | None) -> str:
    return f"that of the plugin {plugin}" if plugin else "that of petalbench"


def is_file(plugin: str) -> bool:
    """Whether a label names a file, not a package."""
    return RELEASE not in plugin


def source(plugin: str) -> str:
    """A label without its digest: `net.py`, `net==1.0`."""
    return plugin.rpartition("@")[0]


def _warn(line: str) -> None:
    print(f"WARNING: {line}", file=sys.stderr)
