"""Which weights a backbone starts from: the policy on the command line, resolved without TensorFlow."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from backbones.base import Backbone, WeightsFile
from bench import environment
from bench.environment import answers
from bench.errors import UserError

POLICIES = ("auto", "imagenet", "random")


def resolve(policy: str, backbone: Backbone, *, online: Callable[[str], bool] = answers) -> str | Path:
    """What `Backbone.build` is to be given.

    Args:
        policy: `auto` (ImageNet where it can be had, else random), `imagenet`, `random`, the path of a weights file, or
            that of a folder of published ones.
        backbone: the network that is to be built.
        online: whether a host answers.

    Returns:
        `"imagenet"`, `"random"` or an absolute path.

    Raises:
        UserError: ImageNet weights were asked for and cannot be had, or there is no such file or policy.
    """
    if policy == "random":
        return "random"
    if policy == "auto":
        file = backbone.weights_file
        return file.given(environment.keras_models()) if file and _can_be_had(file, online) else "random"
    if policy == "imagenet":
        return _imagenet(backbone, online)
    path = Path(policy).expanduser()
    return _of_folder(path, backbone) if path.is_dir() else _file(policy)


def _can_be_had(file: WeightsFile, online: Callable[[str], bool]) -> bool:
    return file.is_at(file.place(environment.keras_models())) or bool(file.host and online(file.host))


def _imagenet(backbone: Backbone, online: Callable[[str], bool]) -> str | Path:
    file = backbone.weights_file
    if file is None:
        raise UserError(f"{backbone.name} has no ImageNet weights. Use --weights random or the path of a weights file.")
    if _can_be_had(file, online):
        return file.given(environment.keras_models())
    folder = environment.keras_models()
    place = file.place(folder)
    silent = f", and {file.host} does not answer" if file.host else ""
    raise UserError(
        f"ImageNet weights of {backbone.name}: {place} {_lack(place)}{silent}. {file.remedy(folder)}, "
        "or use --weights random."
    )


def _of_folder(folder: Path, backbone: Backbone) -> Path:
    """The backbone's own file among published ones."""
    file = backbone.weights_file
    if file is None:
        raise UserError(f"{backbone.name} has no ImageNet weights that '{folder}' could hold. Use --weights random.")
    place = folder / file.name
    if place.is_file() and file.is_at(place):
        return place.resolve()
    raise UserError(
        f"ImageNet weights of {backbone.name}: {file.name} ({file.hash}) {_lack(place)} in the folder '{folder}'. "
        f"`list weights --weights {shlex.quote(str(folder))}` shows what is there."
    )


def _lack(place: Path) -> str:
    return "has another hash (damaged, or not that file)" if place.exists() else "is missing"


def _file(policy: str) -> Path:
    path = Path(policy).expanduser()
    if path.is_file():
        return path.resolve()
    if path.suffix or len(path.parts) > 1:
        raise UserError(
            f"No weights file at {path}. --weights takes {', '.join(POLICIES)} or the PATH of a file or folder."
        )
    raise UserError(
        f"Unknown weights '{policy}'. --weights takes {', '.join(POLICIES)} or the PATH of a file or folder."
    )
