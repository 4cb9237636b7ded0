import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.metrics import log_loss as sklearn_log_loss

from ensembles import accuracy, log_loss, macro_f1, per_class_f1


def test_macro_f1_by_hand():
    # class 0: 1 hit of 2 images, 1 prediction; class 1: 1 hit, 2 predictions; class 2: never present nor predicted
    labels, predicted = np.array([0, 0, 1]), np.array([0, 1, 1])
    np.testing.assert_array_equal(per_class_f1(labels, predicted, 3), [2 / 3, 2 / 3, 0])
    assert macro_f1(labels, predicted, 3) == pytest.approx(4 / 9)


@pytest.mark.parametrize("n_images", [1, 7, 100, 3712])
@pytest.mark.parametrize("n_classes", [2, 8, 104])
def test_macro_f1_equals_scikit_learn_to_the_last_bit(n_images, n_classes):
    rng = np.random.default_rng(n_images * n_classes)
    for skew in (1, 3):  # skewed labels leave classes that are neither present nor predicted
        labels = (n_classes * rng.random(n_images) ** skew).astype(int)
        predicted = np.where(rng.random(n_images) < 0.6, labels, rng.integers(0, n_classes, n_images))
        expected = f1_score(labels, predicted, labels=range(n_classes), average="macro", zero_division=0)
        assert macro_f1(labels, predicted, n_classes) == expected
        expected = f1_score(labels, predicted, labels=range(n_classes), average=None, zero_division=0)
        np.testing.assert_array_equal(per_class_f1(labels, predicted, n_classes), expected)


def test_macro_f1_of_any_integer_type_is_the_same():
    labels, predicted = np.array([0, 2, 1, 2]), np.array([0, 1, 1, 2])
    scores = {macro_f1(labels.astype(t), predicted.astype(t), 3) for t in ("int8", "uint8", "int32", "int64")}
    assert len(scores) == 1


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        ([0, 3, 1], "predicted: expected integers from 0 to 2, got values from 0 to 3"),
        ([0, -1, 1], "predicted: expected integers from 0 to 2, got values from -1 to 1"),
        ([0.0, 1.0, 1.0], "predicted: expected integers from 0 to 2, got an array of float64"),
        ([0, 1], "shape"),
    ],
)
def test_macro_f1_refuses(predicted, message):
    with pytest.raises(ValueError, match=message):
        macro_f1(np.array([0, 1, 2]), np.array(predicted), 3)


def test_accuracy_and_log_loss():
    rng = np.random.default_rng(0)
    probs, labels = rng.dirichlet(np.ones(5), 200), rng.integers(0, 5, 200)
    assert log_loss(labels, np.log(probs)) == pytest.approx(sklearn_log_loss(labels, probs, labels=range(5)))
    assert accuracy(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])) == 0.75
