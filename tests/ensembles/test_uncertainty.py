import numpy as np
import pytest

from ensembles import Interval, macro_f1, macro_f1_interval, paired_difference, paired_difference_interval
from ensembles.uncertainty import too_few_images


def predictions(n_images, n_classes, accuracy, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n_images)
    return labels, np.where(rng.random(n_images) < accuracy, labels, rng.integers(0, n_classes, n_images))


@pytest.mark.parametrize(
    ("n_images", "n_classes", "missing", "score", "difference"),
    [
        (39, 2, 0, True, True),
        (40, 8, 0, False, False),
        (53, 8, 1, False, False),
        (53, 8, 2, True, False),
        (3712, 104, 1, False, False),
        (3712, 104, 2, True, False),
        (519, 104, 0, True, True),
    ],
)
def test_too_few_images(n_images, n_classes, missing, score, difference):
    labels = np.arange(n_images) % (n_classes - missing)
    assert too_few_images(labels, n_classes) is score
    assert too_few_images(labels, n_classes, difference=True) is difference
    assert (macro_f1_interval(labels, labels, n_classes, resamples=20) is None) is score
    assert (paired_difference_interval(labels, labels, labels, n_classes, resamples=20) is None) is difference


def test_interval_of_two_balanced_classes_is_nearly_the_binomial_one():
    # With two balanced classes and symmetric errors macro F1 is close to accuracy, whose deviation is known.
    labels = np.arange(20_000) % 2
    predicted = np.where(np.arange(20_000) % 10 < 8, labels, 1 - labels)
    interval = macro_f1_interval(labels, predicted, 2, resamples=4000)
    deviation = np.sqrt(0.8 * 0.2 / 20_000)
    assert interval.low == pytest.approx(0.8 - 1.96 * deviation, abs=0.1 * deviation)
    assert interval.high == pytest.approx(0.8 + 1.96 * deviation, abs=0.1 * deviation)
    assert interval.level == 0.95


def test_level_seed_and_order_of_images():
    labels, predicted = predictions(200, 8, 0.8)
    interval = macro_f1_interval(labels, predicted, 8)
    assert interval == macro_f1_interval(labels, predicted, 8)
    assert interval == macro_f1_interval(labels[::-1], predicted[::-1], 8)
    assert interval != macro_f1_interval(labels, predicted, 8, seed=1)
    narrow = macro_f1_interval(labels, predicted, 8, level=0.5)
    assert interval.low < narrow.low < macro_f1(labels, predicted, 8) < narrow.high < interval.high


def test_all_right_leaves_some_doubt():
    labels, _ = predictions(60, 8, 1.0)
    interval = macro_f1_interval(labels, labels, 8)
    assert 0.8 < interval.low < 0.99
    assert interval.high == 1


def test_identical_predictions_differ_by_nothing_give_or_take_some_doubt():
    labels, predicted = predictions(100, 8, 0.6)
    interval = paired_difference_interval(labels, predicted, predicted, 8)
    assert -0.02 < interval.low < -0.005 < 0.005 < interval.high < 0.02


def test_difference_is_antisymmetric_and_finds_a_clear_winner():
    labels, good = predictions(400, 8, 0.9)
    poor = np.where(np.random.default_rng(1).random(400) < 0.3, (labels + 1) % 8, good)
    ahead = paired_difference_interval(labels, good, poor, 8, resamples=4000)
    behind = paired_difference_interval(labels, poor, good, 8, resamples=4000)
    assert 0 < ahead.low < macro_f1(labels, good, 8) - macro_f1(labels, poor, 8) < ahead.high
    assert (behind.low, behind.high) == pytest.approx((-ahead.high, -ahead.low), abs=0.01)


def test_pairing_is_narrower_than_two_single_intervals():
    labels, a = predictions(400, 8, 0.8)
    b = np.where(np.random.default_rng(2).random(400) < 0.05, labels, a)
    paired = paired_difference_interval(labels, a, b, 8)
    single = macro_f1_interval(labels, a, 8)
    assert paired.high - paired.low < 0.6 * (single.high - single.low)


def test_several_repeats_of_the_same_predictions_are_one():
    labels, a = predictions(150, 8, 0.8)
    _, b = predictions(150, 8, 0.7)
    repeated = paired_difference_interval(labels, np.stack([a, a]), np.stack([b, b, b]), 8)
    once = paired_difference_interval(labels, a, b, 8)
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high), abs=1e-6)


@pytest.mark.parametrize("accuracy", [0.85, 0.45])
def test_interval_covers_the_truth(accuracy):
    # The full measurement is tests/perf/ensembles_coverage.py; a broken interval covers 80 % here, two misses in ten.
    n_classes, hits = 8, 0
    truth = (
        accuracy + (1 - accuracy) / n_classes
    )  # balanced classes, errors spread evenly: each class's F1 is its recall
    for seed in range(200):
        labels, predicted = predictions(60, n_classes, accuracy, seed)
        interval = macro_f1_interval(labels, predicted, n_classes, resamples=300)
        hits += interval.low <= truth <= interval.high
    assert 180 <= hits <= 199


def test_refuses_labels_out_of_range():
    with pytest.raises(ValueError, match="expected integers from 0 to 2"):
        macro_f1_interval(np.full(50, 3), np.zeros(50, int), 3)


def test_interval_is_frozen():
    with pytest.raises(AttributeError):
        Interval(0.1, 0.2, 0.95, "by hand").low = 0


def test_a_difference_gives_the_interval_and_the_p_value_that_agrees_with_it():
    rng = np.random.default_rng(3)
    labels = np.arange(200) % 4
    for errors in (10, 25, 60):
        a, b = labels.copy(), labels.copy()
        a[rng.permutation(200)[:10]] = 0
        b[rng.permutation(200)[:errors]] = 1
        found = paired_difference(labels, a, b, 4, resamples=300)
        interval = paired_difference_interval(labels, a, b, 4, resamples=300)
        assert found.estimate == pytest.approx(macro_f1(labels, a, 4) - macro_f1(labels, b, 4))
        assert found.bounds(0.95) == pytest.approx((interval.low, interval.high))
        assert (found.p_value < 0.05) == (interval.low > 0 or interval.high < 0)
        low, high = found.bounds(1 - found.p_value)
        assert min(abs(low), abs(high)) == pytest.approx(0, abs=1e-6)


def test_equal_predictions_differ_by_nothing():
    labels = np.arange(80) % 4
    found = paired_difference(labels, labels, labels, 4, resamples=100)
    assert found.estimate == 0
    assert found.p_value > 0.5
    assert paired_difference(labels[:20], labels[:20], labels[:20], 4) is None
