from __future__ import annotations

import functools

import numpy as np
import pytest

import backbones


@pytest.fixture(scope="session")
def built():
    """A backbone's random network of seed 0, by name. Built once, since that takes seconds; no test may change it."""
    return functools.cache(lambda name: backbones.get(name).build("random"))


@pytest.fixture(scope="session")
def images():
    """One picture of the smallest height and an odd width."""
    return np.random.default_rng(0).integers(0, 256, (1, 32, 49, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def features(built, images):
    """What the network `built(name)` makes of `images`: (1, h, w, F)."""
    return functools.cache(lambda name: built(name)(backbones.get(name).prepare(images)).numpy())
