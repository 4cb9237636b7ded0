"""Pretrained convolutional networks behind one interface: a registry and one file per family.

Importing this package registers every backbone and imports neither Keras nor TensorFlow: those load when one is built.
"""

from backbones import densenet, efficientnet, resnet, tiny, vgg
from backbones.base import Backbone, WeightsError, WeightsFile
from backbones.registry import MATRIX, UnknownBackboneError, get, names, register

__all__ = [
    "MATRIX",
    "Backbone",
    "UnknownBackboneError",
    "WeightsError",
    "WeightsFile",
    "densenet",
    "efficientnet",
    "get",
    "names",
    "register",
    "resnet",
    "tiny",
    "vgg",
]
