"""Weights files that packages of the package index hold: no network is needed once the package is installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from backbones.weights_file import WeightsFile


@dataclass(frozen=True)
class PackagedWeights(WeightsFile):
    """A file inside an installed package, which is looked for and never imported.

    Attributes:
        name: of the file, in the package's folder `models`.
        module: the package's name when imported.
        package: its name in the package index.
        extra: of ours, which installs it.
    """

    module: str
    package: str
    extra: str

    def place(self, models: Path) -> Path:
        """In the package if that is installed, else where in it; `models` has no part in it."""
        spec = find_spec(self.module)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        return Path(folders[0] if folders else self.module, "models", self.name)

    def remedy(self, models: Path) -> str:
        """The extra to install."""
        return f"Install the package that holds it: pip install 'petalbench[{self.extra}]' ({self.package})"
