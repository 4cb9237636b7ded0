"""Train pretrained backbones under one recipe, save what they predict, combine it, and report F1 against cost."""

from bench.version import __version__ as __version__
