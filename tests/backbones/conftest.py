from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
from helpers_backbones import cheapest_of_each_family
from keras.src.backend.common import global_state

import backbones


@pytest.fixture(scope="session")
def built():
    """A backbone's random network of seed 0, by name. Built once, since that takes seconds; no test may change it."""
    return functools.cache(lambda name: backbones.get(name).build("random"))


@pytest.fixture(scope="session")
def sketched(built):
    """A backbone's network by name, its layers and shapes; of the dear ones without the numbers, in a second or two."""
    affordable = cheapest_of_each_family()

    def sketch(name):
        if name in affordable:
            return built(name)
        waiting = list(global_state.get_global_attribute("uninitialized_variables", []))
        with keras.StatelessScope(initialize_variables=False):
            model = backbones.get(name).build("random")
        # Else the next scope that ends would give numbers to all of them: gigabytes, in half a minute.
        global_state.set_global_attribute("uninitialized_variables", waiting)
        return model

    return functools.cache(sketch)


@pytest.fixture(scope="session")
def images():
    """A picture of a backbone's smallest height and an odd width, by name."""

    def make(name):
        px = backbones.get(name).smallest_px
        return np.random.default_rng(0).integers(0, 256, (1, px, px + 17, 3), dtype=np.uint8)

    return functools.cache(make)


@pytest.fixture(scope="session")
def features(built, images):
    """The feature map of `built(name)` for `images(name)`: (1, h, w, F)."""
    return functools.cache(lambda name: built(name)(backbones.get(name).prepare(images(name))).numpy())
