"""Train pretrained backbones under one recipe, store and combine their predictions, and report F1 against cost."""

from bench.version import __version__ as __version__
