import numpy as np
import pytest

from ensembles import Mean

GOOD = np.full((2, 3, 4), 0.25, dtype=np.float32)
LABELS = np.array([0, 1, 3])


def changed(index, value):
    probs = GOOD.copy()
    probs[index] = value
    return probs


def test_valid_input_is_accepted():
    for probs in (GOOD, GOOD.astype(np.float64), GOOD.astype(np.float16), GOOD[:1]):
        assert Mean().fit(probs, LABELS).predict_proba(probs).dtype == np.float32


@pytest.mark.parametrize(
    ("probs", "message"),
    [
        (changed((1, 2, 0), np.nan), "probs of member 1: NaN or infinite in 1 rows"),
        (changed((0, 0, 0), np.inf), "probs of member 0: NaN or infinite"),
        (changed((0, 1), [-0.25, 0.75, 0.25, 0.25]), "probs of member 0: negative values, the least is -0.25"),
        (GOOD[..., :3], r"probs of member 0: row 0 sums to 0.75, expected 1"),
        (np.log(GOOD) + 1.5, "expected 1"),
        (GOOD[0], r"expected shape \(M, N, C\) with none of them 0, got \(3, 4\)"),
        (GOOD[:, :0], "none of them 0"),
        (GOOD.astype(object), "expected a float32 array .* got an array of object"),
        (np.full((2, 3, 4), "0.25"), "got an array of <U4"),
        ((GOOD * 4).astype(int), "got an array of int64"),
        (np.tile([1, 0, 0, 0], (2, 3, 1)).astype(np.float16), "75% of these float16 values underflowed to 0"),
    ],
)
def test_probs_that_are_refused(probs, message):
    with pytest.raises(ValueError, match=message):
        Mean().fit(probs, LABELS)
    with pytest.raises(ValueError, match=message):
        Mean().fit(GOOD, LABELS).predict_proba(probs)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 4], "labels: expected 0 to 3, got 0 to 4"),
        ([-1, 0, 1], "labels: expected 0 to 3, got -1 to 1"),
        ([0, 1], r"labels: expected shape \(3,\) as in probs \(2, 3, 4\), got \(2,\)"),
        ([0.0, 1.0, 2.0], "labels: expected integers, got an array of float64"),
        (["a", "b", "c"], "labels: expected integers"),
    ],
)
def test_labels_that_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        Mean().fit(GOOD, np.array(labels))


def test_every_message_is_one_line():
    with pytest.raises(ValueError, match="probs") as caught:
        Mean().fit(GOOD[..., :2], LABELS)
    assert "\n" not in str(caught.value)


def test_float16_round_trip_of_a_thousand_classes_is_no_error():
    probs = np.random.default_rng(0).dirichlet(np.full(1000, 5.0), (2, 20)).astype(np.float16)
    Mean().fit(probs, np.zeros(20, int))


def test_predicting_before_fitting_and_with_other_members():
    with pytest.raises(ValueError, match="Mean has not been fitted"):
        Mean().predict_proba(GOOD)
    with pytest.raises(ValueError, match="probs of 1 members: Mean was fitted on 2"):
        Mean().fit(GOOD, LABELS).predict_proba(GOOD[:1])
