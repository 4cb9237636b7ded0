"""Train pretrained backbones under one recipe, save what they predict, combine it, and report F1 against cost."""

__version__ = "0.1.0"
