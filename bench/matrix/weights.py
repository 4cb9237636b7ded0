"""Initial weights of backbones: the policy on the command line, resolved without TensorFlow."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

import backbones
from backbones.base import Backbone, WeightsFile
from bench import environment
from bench.environment import answers
from bench.errors import UserError
from bench.files import sha256

POLICIES = ("auto", "imagenet", "random")


def resolve(policy: str, backbone: Backbone, *, online: Callable[[str], bool] = answers) -> str | Path:
    """The argument of `Backbone.build` for a policy.

    Args:
        policy: `auto` (ImageNet if available, else random), `imagenet`, `random`, the path of a weights file, or the
            path of a folder of published files.
        backbone: the network.
        online: whether a host answers.

    Returns:
        `"imagenet"`, `"random"` or an absolute path.

    Raises:
        UserError: ImageNet weights that are not available, or no such file or policy.
    """
    if policy == "random":
        return "random"
    if policy == "auto":
        file = backbone.weights_file
        return file.given(environment.keras_models()) if file and _is_available(file, online) else "random"
    if policy == "imagenet":
        return _imagenet(backbone, online)
    path = Path(policy).expanduser()
    return _file_in_folder(path, backbone) if path.is_dir() else _given_file(policy)


def resolve_all(policy: str, names: Iterable[str]) -> dict[str, str | Path]:
    """Backbone -> its weights, as `resolve` gives them.

    Raises:
        UserError: weights that are not available, or one file for several backbones.
    """
    chosen = {name: resolve(policy, backbones.get(name)) for name in dict.fromkeys(names)}
    files = [name for name, found in chosen.items() if isinstance(found, Path)]
    if len(files) > 1 and policy not in POLICIES and not Path(policy).expanduser().is_dir():
        raise UserError(f"--weights '{policy}' is one network's file; {len(files)} were asked for: {', '.join(files)}.")
    return chosen


def packaged() -> list[str]:
    """Backbones that `--all` adds by the policy `auto`: those at hand of `backbones.PACKAGED`; none if not needed."""
    if all(_has_imagenet(name) for name in backbones.MATRIX):
        return []
    return [name for name in backbones.PACKAGED if _has_imagenet(name)]


def _has_imagenet(name: str) -> bool:
    return resolve("auto", backbones.get(name)) != "random"


def weights_name(weights: str | Path, adapter: Backbone) -> str:
    """The name of weights in a run's configuration: of a file, its name and the start of its digest.

    A file with the published hash is `imagenet`, whatever its path: the same weights give the same run.
    """
    if isinstance(weights, str):
        return weights
    published = adapter.weights_file
    if published and published.digest and published.is_at(weights):
        return "imagenet"
    return f"{weights.name}@{sha256(weights)[:8]}"


def _is_available(file: WeightsFile, online: Callable[[str], bool]) -> bool:
    return file.is_at(file.place(environment.keras_models())) or bool(file.host and online(file.host))


def _imagenet(backbone: Backbone, online: Callable[[str], bool]) -> str | Path:
    file = backbone.weights_file
    if file is None:
        raise UserError(f"{backbone.name} has no ImageNet weights. Use --weights random or the path of a weights file.")
    if _is_available(file, online):
        return file.given(environment.keras_models())
    folder = environment.keras_models()
    place = file.place(folder)
    silent = f", and {file.host} does not answer" if file.host else ""
    raise UserError(
        f"ImageNet weights of {backbone.name}: {place} {_problem(place)}{silent}. {file.remedy(folder)}, "
        "or use --weights random."
    )


def _file_in_folder(folder: Path, backbone: Backbone) -> Path:
    """The published file of a backbone in a folder."""
    file = backbone.weights_file
    if file is None:
        raise UserError(f"{backbone.name} has no ImageNet weights that '{folder}' could hold. Use --weights random.")
    place = folder / file.name
    if place.is_file() and file.is_at(place):
        return place.resolve()
    raise UserError(
        f"ImageNet weights of {backbone.name}: {file.name} ({file.hash}) {_problem(place)} in the folder '{folder}'. "
        f"`list weights --weights {shlex.quote(str(folder))}` shows what is there."
    )


def _problem(place: Path) -> str:
    return "has another hash (damaged, or not that file)" if place.exists() else "is missing"


def _given_file(policy: str) -> Path:
    path = Path(policy).expanduser()
    if path.is_file():
        return path.resolve()
    is_path = path.suffix or len(path.parts) > 1
    problem = f"No weights file at {path}" if is_path else f"Unknown weights '{policy}'"
    raise UserError(f"{problem}. --weights takes {', '.join(POLICIES)} or the PATH of a file or folder.")
