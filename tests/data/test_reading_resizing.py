from __future__ import annotations

import numpy as np
import pytest

from bench.data.reading import resized


def means(pixels: np.ndarray, px: int) -> np.ndarray:
    """The mean of the area that each pixel covers, float64, by the overlap of intervals along both axes."""
    side = len(pixels)
    edges = np.arange(px + 1) * side / px
    starts, ends = edges[:-1, None], edges[1:, None]
    overlap = np.clip(np.minimum(ends, np.arange(side) + 1) - np.maximum(starts, np.arange(side)), 0, None)
    weights = overlap / overlap.sum(axis=1, keepdims=True)
    return np.einsum("ij,jkc,lk->ilc", weights, pixels.astype(float), weights, optimize=True)


@pytest.mark.parametrize(("side", "px"), [(16, 8), (16, 7), (32, 14), (15, 1), (331, 224)])
def test_each_pixel_is_the_mean_of_what_it_covers(side, px):
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)
    found = resized(pixels, px).numpy()
    assert (found.shape, found.dtype) == ((px, px, 3), np.uint8)
    assert np.abs(found - means(pixels, px)).max() < 0.51  # edges of areas are float32


def test_a_batch_is_its_pictures():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 20, 20, 3), np.uint8)
    np.testing.assert_array_equal(resized(pixels, 9), [resized(one, 9) for one in pixels])


def test_stripes_finer_than_a_pixel_become_gray():
    pixels = np.zeros((512, 512, 3), np.uint8)
    pixels[:, ::2] = 255
    found = resized(pixels, 224).numpy()
    assert (found.min(), found.max()) >= (70, 128)
    assert found.mean() == pytest.approx(127.5, abs=1)
