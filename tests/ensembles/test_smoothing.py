import numpy as np
import pytest

from ensembles.smoothing import SmoothedSample


def test_smoothed_macro_f1_by_hand():
    # 2 images of class 0, one hit, one taken for class 1. Donors: these, two images hit and two missed, so that
    # half of all are hits. Two of the four that class 0 is drawn from are pseudo-images; class 1 has no images.
    sample = SmoothedSample(np.array([0, 0]), [np.array([[0, 1]])], 2)
    assert sample.smoothed == pytest.approx([(2 * 1 / (2 + 1) + 0) / 2])


def test_smoothed_scores_by_hand():
    # 3 images of classes 0, 0, 1; a hits all, b calls all 0. Donors in quarters: 8 both right, 4 with b off by one;
    # doubts: both hit 8, both miss 8, a alone hits 2, b alone hits 2. With two classes, off by one is the other one.
    labels, images = np.array([0, 0, 1]), np.array([2, 1])
    sample = SmoothedSample(labels, [np.array([[0, 0, 1]]), np.array([[0, 0, 0]])], 2)
    hit_rate = np.array([8 + 4 + 8 + 2, 8 + 8 + 2]) / 32
    for hits, rate, score in zip(([1.0, 1.0], [1.0, 0.0]), hit_rate, sample.smoothed, strict=True):
        found = images * (images * hits + 2 * rate) / (images + 2)
        predicted = found + (images - found)[::-1]
        assert score == pytest.approx(np.mean(2 * found / (images + predicted)))
    assert sample.estimate == pytest.approx(1 - (2 * 2 / 5 + 0) / 2)


@pytest.mark.parametrize("n_images", [300, 5000])
def test_draws_average_to_the_smoothed_sample(n_images):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n_images)
    a, b = (np.where(rng.random(n_images) < share, labels, rng.integers(0, 3, n_images)) for share in (0.8, 0.6))
    drawn, true = SmoothedSample(labels, [a[None], b[None]], 3).drawn_and_true(np.random.default_rng(0), 4000)
    assert drawn.shape == (4000,)
    assert np.ptp(true) == 0
    assert drawn.mean() == pytest.approx(true[0], abs=4 * drawn.std() / np.sqrt(4000) + 0.5 / n_images)


def test_a_class_without_images_may_be_as_good_as_the_others():
    labels = np.arange(300) % 3
    predicted = np.where(np.arange(300) < 240, labels, (labels + 1) % 3)
    sample = SmoothedSample(labels, [predicted[None]], 4)
    _, true = sample.drawn_and_true(np.random.default_rng(0), 4000)
    assert true.mean() - sample.smoothed[0] == pytest.approx((240 + 2) / (300 + 4) / 4, abs=0.01)


def test_repeats_are_averaged():
    rng = np.random.default_rng(0)
    labels, a, b = rng.integers(0, 4, (3, 80))
    both = SmoothedSample(labels, [np.stack([a, b])], 4)
    single = [SmoothedSample(labels, [row[None]], 4) for row in (a, b)]
    assert both.estimate == pytest.approx(np.mean([s.estimate for s in single]))
    np.testing.assert_allclose(both.smoothed, [s.smoothed[0] for s in single], atol=0.02)
