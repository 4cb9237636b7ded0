"""Which backbones a test is run on: all of them, or those that are affordable."""

from __future__ import annotations

import pytest

import backbones


def cheapest_of_each_family():
    """One backbone a family, to be built and run whole; the others share its code."""
    dearest_first = sorted(map(backbones.get, backbones.names()), key=lambda backbone: -backbone.gflops_224)
    return set({backbone.family: backbone.name for backbone in dearest_first}.values())


def light():
    """Of those, the ones whose networks are built and run in a second or two."""
    return cheapest_of_each_family() - {"convnexttiny", "densenet121", "efficientnetv2b0"}


def in_full(names, affordable=None):
    """Parameters of a test that builds and runs networks: the affordable ones, and the others as slow tests.

    Affordable are those given, else the cheapest of each family.
    """
    affordable = cheapest_of_each_family() if affordable is None else affordable
    return [name if name in affordable else pytest.param(name, marks=pytest.mark.slow) for name in names]
