"""Pretrained convolutional networks behind one interface: a registry and one file per family.

Importing this package imports every file in it, and so registers every backbone; neither Keras nor TensorFlow is
imported before a backbone is built. A file that fails to import fails the package: nothing is skipped in silence.
Plugins add backbones of other packages and files (`backbones.plugins`).
"""

from importlib import import_module
from pkgutil import iter_modules

from backbones.base import STAGES, Backbone, BackboneError, WeightsError, WeightsFile
from backbones.function_backbone import FunctionBackbone
from backbones.registry import MATRIX, PACKAGED, UnknownBackboneError, get, names, register

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "MATRIX",
    "PACKAGED",
    "STAGES",
    "Backbone",
    "BackboneError",
    "FunctionBackbone",
    "UnknownBackboneError",
    "WeightsError",
    "WeightsFile",
    "get",
    "names",
    "register",
]
