import numpy as np
import pytest

from ensembles.smoothing import SmoothedSample


def test_smoothed_macro_f1_by_hand():
    # 2 images, both of class 0, one hit, one taken for class 1; hit rate (1 + 0.5) / 3; two pseudo-images a class.
    sample = SmoothedSample(np.array([0, 0]), [np.array([[0, 1]])], 2)
    assert sample.smoothed() == pytest.approx((2 * (1 + 2 * 0.5) / (3 + 4) + 2 * (2 * 0.5) / (1 + 4)) / 2)


def test_smoothed_difference_by_hand():
    # 2 images of classes 0 and 1; a hits both, b calls both 1. Four ways to hit or miss, half an image each.
    sample = SmoothedSample(np.array([0, 1]), [np.array([[0, 1]]), np.array([[1, 1]])], 2)
    a = 2 * (1 + 2 * 3 / 4) / (2 + 4)
    b = (2 * (0 + 2 * 2 / 4) / (1 + 4) + 2 * (1 + 2 * 2 / 4) / (3 + 4)) / 2
    assert sample.estimate == pytest.approx(1 - (0 + 2 / 3) / 2)
    assert sample.smoothed() == pytest.approx(a - b)


@pytest.mark.parametrize("n_images", [60, 5000])
def test_draws_average_to_the_smoothed_sample(n_images):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n_images)
    a, b = (np.where(rng.random(n_images) < share, labels, rng.integers(0, 3, n_images)) for share in (0.8, 0.6))
    sample = SmoothedSample(labels, [a[None], b[None]], 3)
    drawn = sample.resampled(np.random.default_rng(0), 4000)
    assert drawn.shape == (4000,)
    assert drawn.mean() == pytest.approx(sample.smoothed(), abs=4 * drawn.std() / np.sqrt(4000) + 0.5 / n_images)


def test_repeats_are_averaged():
    rng = np.random.default_rng(0)
    labels, a, b = rng.integers(0, 4, (3, 80))
    both = SmoothedSample(labels, [np.stack([a, b])], 4)
    single = [SmoothedSample(labels, [row[None]], 4) for row in (a, b)]
    assert both.estimate == pytest.approx(np.mean([s.estimate for s in single]))
    assert both.smoothed() == pytest.approx(np.mean([s.smoothed() for s in single]))
